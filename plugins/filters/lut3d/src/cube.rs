//! `.cube` files: the keywords and the table of Adobe's Cube LUT Specification 1.0, and the two
//! keywords for the range of the input that DaVinci Resolve writes instead of a domain.

/// What stands in a file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cube {
    /// 1 or 3
    pub(crate) dimensions: u32,
    /// entries along each of them
    pub(crate) size: usize,
    /// The inputs, a channel each, that the first and the last entry stand for.
    pub(crate) domain: [(f64, f64); 3],
    /// Red, green, blue; red goes fastest, then green.
    pub(crate) entries: Vec<[f32; 3]>,
}

/// The largest 3D table: more would not fit a plugin's memory beside its file.
const MOST_3D: usize = 129;

/// The largest 1D table of the specification.
const MOST_1D: usize = 65536;

impl Cube {
    /// Reads a file.
    ///
    /// # Errors
    /// A sentence that names the line.
    pub(crate) fn read(bytes: &[u8]) -> Result<Cube, String> {
        let text = String::from_utf8_lossy(bytes);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let mut reader = Reader::default();
        for (line, number) in text.lines().zip(1..) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            reader.line(line).map_err(|why| format!("line {number}: {why}"))?;
        }
        reader.finish()
    }

    /// Where an input from 0 to 1 lies between the entries of a channel: the entry below, at most
    /// the last but one, and how far it is from there to the next.
    pub(crate) fn place(&self, channel: usize, input: f64) -> (usize, f64) {
        let (least, most) = self.domain[channel];
        let place = ((input - least) / (most - least)).clamp(0.0, 1.0) * (self.size - 1) as f64;
        let below = (place as usize).min(self.size - 2);
        (below, place - below as f64)
    }

    /// A channel of a 1D table for all samples of so many bits.
    pub(crate) fn table(&self, channel: usize, bits: u32) -> Vec<u16> {
        let most = f64::from((1_u32 << bits) - 1);
        let output = |sample: u32| {
            let (below, share) = self.place(channel, f64::from(sample) / most);
            let [from, to] = [below, below + 1].map(|i| f64::from(self.entries[i][channel]));
            (most * (from + (to - from) * share) + 0.5).floor().clamp(0.0, most) as u16
        };
        (0..1 << bits).map(output).collect()
    }
}

/// A file half read.
#[derive(Default)]
struct Reader {
    /// dimensions and size
    shape: Option<(u32, usize)>,
    least: Option<[f64; 3]>,
    most: Option<[f64; 3]>,
    entries: Vec<[f32; 3]>,
}

impl Reader {
    fn line(&mut self, line: &str) -> Result<(), String> {
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        match word {
            "TITLE" => Ok(()),
            "LUT_1D_SIZE" => self.size(1, MOST_1D, rest),
            "LUT_3D_SIZE" => self.size(3, MOST_3D, rest),
            "DOMAIN_MIN" => numbers(rest).map(|least| self.least = Some(least)),
            "DOMAIN_MAX" => numbers(rest).map(|most| self.most = Some(most)),
            "LUT_1D_INPUT_RANGE" | "LUT_3D_INPUT_RANGE" => {
                let [least, most] = numbers(rest)?;
                (self.least, self.most) = (Some([least; 3]), Some([most; 3]));
                Ok(())
            }
            _ if word.starts_with(|c: char| c.is_ascii_alphabetic()) && !is_number(word) => {
                Err(format!("the keyword {word:.40} is not known here"))
            }
            _ => self.entry(line),
        }
    }

    fn size(&mut self, dimensions: u32, most: usize, text: &str) -> Result<(), String> {
        if self.shape.is_some() {
            return Err("a second size; files with two tables are not supported".to_owned());
        }
        let size = text.trim().parse().ok().filter(|size| (2..=most).contains(size));
        let size =
            size.ok_or_else(|| format!("a {dimensions}D table has a size from 2 to {most}"))?;
        self.shape = Some((dimensions, size));
        self.entries.reserve(size.pow(dimensions));
        Ok(())
    }

    fn entry(&mut self, line: &str) -> Result<(), String> {
        let wanted = self.wanted().ok_or("an entry before LUT_1D_SIZE or LUT_3D_SIZE")?;
        if self.entries.len() == wanted {
            return Err(format!("one entry more than the {wanted} of the table"));
        }
        self.entries.push(numbers(line)?.map(|number| number as f32));
        Ok(())
    }

    fn wanted(&self) -> Option<usize> {
        self.shape.map(|(dimensions, size)| size.pow(dimensions))
    }

    fn finish(self) -> Result<Cube, String> {
        let wanted = self.wanted();
        let (Some((dimensions, size)), Some(wanted)) = (self.shape, wanted) else {
            return Err("no .cube file: it has no LUT_1D_SIZE and no LUT_3D_SIZE".to_owned());
        };
        let found = self.entries.len();
        if found < wanted {
            return Err(format!("the file ends after {found} of {wanted} entries"));
        }
        let (least, most) = (self.least.unwrap_or([0.0; 3]), self.most.unwrap_or([1.0; 3]));
        let domain = [0, 1, 2].map(|channel| (least[channel], most[channel]));
        if let Some((least, most)) = domain.iter().find(|(least, most)| least >= most) {
            return Err(format!("a domain from {least} to {most} is empty"));
        }
        Ok(Cube { dimensions, size, domain, entries: self.entries })
    }
}

fn is_number(word: &str) -> bool {
    word.parse::<f64>().is_ok()
}

/// As many numbers, and nothing else.
fn numbers<const COUNT: usize>(text: &str) -> Result<[f64; COUNT], String> {
    let mut numbers = [0.0; COUNT];
    let mut words = text.split_whitespace();
    for number in &mut numbers {
        let word = words.next().ok_or_else(|| format!("fewer than {COUNT} numbers"))?;
        let parsed = word.parse::<f64>().ok().filter(|number| number.is_finite());
        *number = parsed.ok_or_else(|| format!("{word:.40?} is not a number"))?;
    }
    match words.next() {
        None => Ok(numbers),
        Some(_) => Err(format!("more than {COUNT} numbers")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "\u{feff}# made by hand\r\nTITLE \"a b\"\r\n\r\nLUT_1D_SIZE 3\r\n\
        DOMAIN_MIN 0 0 -1\r\nDOMAIN_MAX 1 2 1\r\n0 0 1\r\n .5\t5e-1 0.25 \r\n1 1 0\r\n";

    #[test]
    fn a_file_is_read() {
        let cube = Cube::read(SMALL.as_bytes()).expect("it is sound");
        assert_eq!((cube.dimensions, cube.size), (1, 3));
        assert_eq!(cube.domain, [(0.0, 1.0), (0.0, 2.0), (-1.0, 1.0)]);
        assert_eq!(cube.entries, [[0.0, 0.0, 1.0], [0.5, 0.5, 0.25], [1.0, 1.0, 0.0]]);
        assert_eq!(cube.table(0, 8), (0..=255).collect::<Vec<u16>>());
        let green = cube.table(1, 8);
        assert_eq!([green[0], green[128], green[255]], [0, 64, 128]);
        let blue = cube.table(2, 16);
        assert_eq!([blue[0], blue[65535]], [16384, 0]);
        let resolve =
            "LUT_3D_SIZE 2\nLUT_3D_INPUT_RANGE -0.5 1.5\n".to_owned() + &"0 0 0\n".repeat(8);
        assert_eq!(Cube::read(resolve.as_bytes()).map(|cube| cube.domain), Ok([(-0.5, 1.5); 3]));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let message = |text: &str| Cube::read(text.as_bytes()).expect_err("it is wrong");
        assert!(message("").starts_with("no .cube file"));
        assert_eq!(message("0 0 0"), "line 1: an entry before LUT_1D_SIZE or LUT_3D_SIZE");
        assert_eq!(message("\nLUT_3D_SIZE 1"), "line 2: a 3D table has a size from 2 to 129");
        assert_eq!(message("LUT_1D_SIZE many"), "line 1: a 1D table has a size from 2 to 65536");
        let head = "LUT_1D_SIZE 2\n0 0 0\n";
        assert_eq!(message(&format!("{head}1 1 x\n")), "line 3: \"x\" is not a number");
        assert_eq!(message(&format!("{head}1 1 nan")), "line 3: \"nan\" is not a number");
        assert_eq!(message(&format!("{head}1 1\n")), "line 3: fewer than 3 numbers");
        assert_eq!(message(&format!("{head}1 1 1 1\n")), "line 3: more than 3 numbers");
        assert_eq!(message(head), "the file ends after 1 of 2 entries");
        assert!(message(&format!("{head}1 1 1\n2 2 2")).starts_with("line 4: one entry more"));
        assert_eq!(message("SHAPER 3"), "line 1: the keyword SHAPER is not known here");
        assert!(message(&format!("{head}LUT_3D_SIZE 2")).starts_with("line 3: a second size"));
        assert!(
            message(&format!("DOMAIN_MIN 1 0 0\n{head}1 1 1")).contains("from 1 to 1 is empty")
        );
        assert!(message("\u{89}PNG\u{0}\n").starts_with("line 1: "));
    }
}
