//! What may be asked of a join.

/// What becomes of gaps between segments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gap {
    /// the segments' own start times are kept, where they follow one another
    Keep,
    /// each begins where the one before ends
    #[default]
    Close,
}

#[derive(Clone, Debug)]
pub struct Settings {
    pub gap: Gap,
    /// a chapter for each segment
    pub chapters: bool,
    /// the index in front
    pub faststart: bool,
    /// read the output back and compare
    pub proof: bool,
}
