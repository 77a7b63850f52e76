//! Which source samples make an output sample, and what each counts, in 16384ths.

use std::f64::consts::PI;

/// Weights are whole numbers of so many bits behind the point.
pub(crate) const BITS: u32 = 14;

/// One in weights.
const ONE: i32 = 1 << BITS;

/// How samples between the source's are made up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// sinc(x) sinc(x / 3), three samples each way
    Lanczos,
    /// 1 - |x|, one sample each way
    Bilinear,
}

impl Method {
    /// How far it reaches, in samples of the larger of the two grids.
    fn reach(self) -> f64 {
        match self {
            Method::Lanczos => 3.0,
            Method::Bilinear => 1.0,
        }
    }

    fn weight(self, x: f64) -> f64 {
        let sinc = |x: f64| if x == 0.0 { 1.0 } else { (x * PI).sin() / (x * PI) };
        match self {
            Method::Lanczos if x.abs() < 3.0 => sinc(x) * sinc(x / 3.0),
            Method::Bilinear if x.abs() < 1.0 => 1.0 - x.abs(),
            _ => 0.0,
        }
    }
}

/// How positions of an output row or column are found in the source. A sample k covers k to k + 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Grid {
    /// samples in the source and in the output
    pub(crate) source: usize,
    pub(crate) output: usize,
    /// source samples an output sample
    pub(crate) step: f64,
    /// where the middle of output sample 0 is
    pub(crate) first: f64,
}

/// The weights of one direction.
#[derive(Debug)]
pub(crate) struct Kernel {
    /// the first source sample of each output sample
    pub(crate) starts: Vec<usize>,
    /// `taps` weights for each output sample, those that are not needed 0 and behind the others
    pub(crate) weights: Vec<i16>,
    /// a multiple of what the kernel was made for
    pub(crate) taps: usize,
}

impl Kernel {
    /// The number of weights is a multiple of `multiple`.
    pub(crate) fn new(grid: &Grid, method: Method, multiple: usize) -> Kernel {
        // Where the output is smaller, the filter is stretched, so that every source sample counts.
        let stretch = grid.step.max(1.0);
        let reach = method.reach() * stretch;
        let mut all = Vec::with_capacity(grid.output);
        for i in 0..grid.output {
            let middle = grid.first + i as f64 * grid.step;
            let last = grid.source - 1;
            let from = ((middle - reach + 0.5).max(0.0) as usize).min(last);
            let to = ((middle + reach + 0.5).max(0.0) as usize).clamp(from + 1, last + 1);
            let weight = |k: usize| method.weight((k as f64 + 0.5 - middle) / stretch);
            all.push((from, whole(&(from..to).map(weight).collect::<Vec<f64>>())));
        }
        let longest = all.iter().map(|(_, weights)| weights.len()).max().unwrap_or(1);
        let taps = longest.next_multiple_of(multiple);
        let mut weights = Vec::with_capacity(taps * all.len());
        for (_, some) in &all {
            weights.extend_from_slice(some);
            weights.resize(weights.len() + taps - some.len(), 0);
        }
        Kernel { starts: all.iter().map(|(start, _)| *start).collect(), weights, taps }
    }

    /// The weights of an output sample.
    pub(crate) fn weights(&self, i: usize) -> &[i16] {
        &self.weights[i * self.taps..][..self.taps]
    }
}

/// Weights whose sum is one, as whole numbers whose sum is `ONE`: what rounding takes from one goes
/// to the next, so that many small ones do not add up to something else.
fn whole(weights: &[f64]) -> Vec<i16> {
    let sum: f64 = weights.iter().sum();
    if sum.abs() < 1e-9 {
        // All that is in reach counts 0: beyond the border, its outermost sample goes on.
        let mut only = vec![0; weights.len()];
        only[0] = ONE as i16;
        return only;
    }
    let (mut exact, mut given) = (0.0, 0);
    let next = |weight: &f64| {
        exact += weight / sum * f64::from(ONE);
        let rounded =
            (exact.round() as i32 - given).clamp(i32::from(i16::MIN), i32::from(i16::MAX));
        given += rounded;
        rounded as i16
    };
    weights.iter().map(next).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(source: usize, output: usize) -> Grid {
        let step = source as f64 / output as f64;
        Grid { source, output, step, first: step / 2.0 }
    }

    #[test]
    fn weights_add_up_to_one_and_stay_inside() {
        for method in [Method::Lanczos, Method::Bilinear] {
            for (source, output) in
                [(1, 1), (1, 9), (9, 1), (5, 3), (3, 5), (1280, 640), (1000, 999), (4000, 1)]
            {
                let kernel = Kernel::new(&grid(source, output), method, 8);
                for i in 0..output {
                    let weights = kernel.weights(i);
                    let sum: i32 = weights.iter().map(|w| i32::from(*w)).sum();
                    assert_eq!(sum, ONE, "{method:?} {source} to {output}");
                    let used = weights.iter().rposition(|w| *w != 0).unwrap_or(0);
                    assert!(kernel.starts[i] + used < source, "{method:?} {source} to {output}");
                }
            }
        }
    }

    #[test]
    fn halving_by_bilinear_is_a_tent() {
        let kernel = Kernel::new(&grid(8, 4), Method::Bilinear, 2);
        assert_eq!((kernel.taps, kernel.starts[1]), (4, 1));
        assert_eq!(kernel.weights(1), [2048, 6144, 6144, 2048]);
    }

    #[test]
    fn the_same_size_takes_each_sample_alone() {
        let kernel = Kernel::new(&grid(7, 7), Method::Lanczos, 2);
        for i in 0..7 {
            let middle = kernel.weights(i).iter().position(|w| *w == ONE as i16);
            assert_eq!(middle.map(|at| at + kernel.starts[i]), Some(i));
        }
    }
}
