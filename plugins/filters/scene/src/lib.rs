//! The scene filter: finds cuts, and tags the first picture of each scene. The pictures themselves
//! pass untouched.

mod difference;
mod score;

use filmgate_plugin::{
    Description, Error, Filter, FilterDescription, Frame, Live, Parameter, Parameters, PixelFormat,
    StreamInfo, export_filter,
};
use score::Score;

struct Scene {
    threshold: f64,
    /// whether the score of every picture is written down, not of cuts alone
    all: bool,
    score: Score,
    bits: u32,
    /// the samples of the picture before, of its first plane
    previous: Option<Vec<u8>>,
}

impl Filter for Scene {
    fn describe() -> FilterDescription {
        let about = Description::new(
            "scene",
            env!("CARGO_PKG_VERSION"),
            "finds cuts and tags them scene.cut, by FFmpeg's scene score",
        )
        .license(env!("CARGO_PKG_LICENSE"))
        .homepage(env!("CARGO_PKG_REPOSITORY"))
        .category("analysis")
        .keywords("cut shot change detect tag")
        .example("threshold=0.2,scores=all")
        .parameter(
            Parameter::decimal("threshold", "a picture whose score is above it begins a scene")
                .range(0.0..=1.0)
                .default(0.3),
        )
        .parameter(
            Parameter::choice(
                "scores",
                "which pictures get the tag scene.score: those that begin a scene, or all",
                ["cuts", "all"],
            )
            .default("cuts"),
        );
        // The score compares how the last two pictures differ with how those before did.
        FilterDescription::temporal(about, PixelFormat::ALL, 2, 0)
    }

    fn configure(input: &StreamInfo, parameters: &Parameters) -> Result<Self, Error> {
        let layout = input.layout()?;
        let plane = layout.plane(0);
        Ok(Scene {
            threshold: parameters.decimal("threshold")?,
            all: parameters.choice("scores")? == "all",
            score: Score::new(plane.bytes() / plane.sample_bytes, layout.format.bits()),
            bits: layout.format.bits(),
            previous: None,
        })
    }

    fn process(&mut self, mut frame: Frame) -> Result<Vec<Frame>, Error> {
        let samples = frame.plane(0);
        let sum = self.previous.as_ref().map(|old| difference::sum(old, &samples, self.bits));
        let score = sum.map_or(0.0, |sum| self.score.next(sum));
        let cut = score > self.threshold;
        if cut {
            frame.set_tag("scene.cut", "true");
        }
        if cut || self.all {
            frame.set_tag("scene.score", &format!("{score:.6}"));
        }
        self.previous = Some(samples);
        Ok(frame.into())
    }
}

impl Live for Scene {
    fn reconfigure(&mut self, parameters: &Parameters) -> Result<(), Error> {
        self.threshold = parameters.decimal("threshold")?;
        self.all = parameters.choice("scores")? == "all";
        Ok(())
    }
}

export_filter!(Scene, live);

#[cfg(test)]
mod tests {
    use super::*;

    /// The tags of gray pictures of one value each.
    fn tags(values: &[u8], scores: &str) -> Vec<(Option<String>, Option<String>)> {
        let stream = StreamInfo::new(7, 3, PixelFormat::Gray8);
        let parameters = Parameters::new([("threshold", 0.3.into()), ("scores", scores.into())]);
        let mut filter = Scene::configure(&stream, &parameters).expect("parameters in range");
        let mut tags = Vec::new();
        for (&value, index) in values.iter().zip(0..) {
            let mut frame = Frame::new(&stream.frame(index, 40 * index as i64));
            frame.set_plane(0, &[value; 21]);
            let out = filter.process(frame).expect("it always works");
            assert_eq!(out[0].plane(0), [value; 21]);
            tags.push((out[0].tag("scene.cut"), out[0].tag("scene.score")));
        }
        tags
    }

    #[test]
    fn the_first_picture_of_a_scene_is_tagged() {
        let cut = (Some("true".to_owned()), Some("0.400000".to_owned()));
        let none = (None, None);
        // The third differs by 40 from the second, which hardly differed from the first.
        assert_eq!(tags(&[10, 10, 50, 50], "cuts"), [&none, &none, &cut, &none].map(Clone::clone));
        // Fast motion is no cut: every picture differs as much as the one before.
        assert_eq!(tags(&[0, 20, 60, 100], "cuts"), vec![none; 4]);
    }

    #[test]
    fn all_scores_are_given_where_asked_for() {
        let scores: Vec<_> = tags(&[10, 20, 20], "all").into_iter().map(|tag| tag.1).collect();
        let expected = ["0.000000", "0.100000", "0.000000"];
        assert_eq!(scores, expected.map(|score| Some(score.to_owned())));
    }
}
