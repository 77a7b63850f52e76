//! What a prepared job is about to do, in plain values: for a dry run and for programs.

use super::chain::Link;
use super::job::Prepared;
use filmgate_core::frame::{PixelFormat, StreamInfo};

/// What is about to happen.
#[derive(Clone, Debug)]
pub struct Plan {
    /// libav's names of the input's container
    pub container: String,
    /// nanoseconds, where somebody knows
    pub duration: Option<i64>,
    /// every stream of the input
    pub streams: Vec<PlannedStream>,
    /// what the decoder gives
    pub decoded: Option<StreamInfo>,
    /// what the encoder gets
    pub encoded: Option<StreamInfo>,
    pub stages: Vec<PlannedStage>,
    /// libav's name of the encoder
    pub encoder: String,
    /// its options, by name
    pub options: Vec<(String, String)>,
}

/// One stream of the input.
#[derive(Clone, Debug)]
pub struct PlannedStream {
    pub index: usize,
    /// `video`, `audio` …
    pub kind: &'static str,
    pub codec: String,
    pub fate: Fate,
}

/// What becomes of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// goes through the plugins
    Decoded,
    /// its packets are taken over as they are
    Copied,
    /// is not in the output, for this reason
    LeftOut(String),
}

/// Links that one thread runs, one behind the other.
#[derive(Clone, Debug)]
pub struct PlannedStage {
    pub threads: usize,
    /// whether pictures are shared out between the threads; else one thread sees all, in order
    pub parallel: bool,
    pub links: Vec<PlannedLink>,
}

#[derive(Clone, Debug)]
pub enum PlannedLink {
    /// the pixel format is changed, for this reason
    Convert { from: PixelFormat, to: PixelFormat, why: String },
    /// a plugin, by its number on the command line, and what goes in and comes out
    Plugin { number: usize, name: String, input: StreamInfo },
}

impl Prepared {
    /// What is about to happen.
    pub fn plan(&self) -> Plan {
        let facts = self.parts.now.input.facts();
        let encode = &self.job.encode;
        let mut options = Vec::new();
        options.extend(encode.preset.iter().map(|p| ("preset".to_owned(), p.clone())));
        options.extend(encode.tune.iter().map(|t| ("tune".to_owned(), t.clone())));
        options.extend(encode.bit_rate.iter().map(|b| ("bitrate".to_owned(), b.to_string())));
        options.extend(encode.crf.iter().map(|c| ("crf".to_owned(), c.to_string())));
        options.extend(encode.options.iter().cloned());
        Plan {
            container: facts.format.clone(),
            duration: self.duration,
            streams: self.streams(),
            decoded: self.summary.input.clone(),
            encoded: self.summary.output.clone(),
            stages: self.stages(),
            encoder: encode.codec.clone(),
            options,
        }
    }

    fn streams(&self) -> Vec<PlannedStream> {
        let fate = |index: usize| {
            if index == self.parts.now.video {
                return Fate::Decoded;
            }
            if self.copied.get(index).is_some_and(|copied| *copied) {
                return Fate::Copied;
            }
            let start = format!("stream {index}, ");
            let told = self.summary.left_out.iter().find_map(|l| l.strip_prefix(&start));
            let reason = told.and_then(|l| l.split_once(": ")).map(|(_, reason)| reason);
            let reason = reason.unwrap_or(match self.job.selection.wants(index) {
                true => "the output holds pictures alone",
                false => "not asked for",
            });
            Fate::LeftOut(reason.to_owned())
        };
        let streams = self.parts.now.input.facts().streams.iter();
        streams
            .map(|s| PlannedStream {
                index: s.index,
                kind: s.kind.name(),
                codec: s.codec.clone(),
                fate: fate(s.index),
            })
            .collect()
    }

    fn stages(&self) -> Vec<PlannedStage> {
        let mut number = 0;
        let mut planned = Vec::with_capacity(self.chain.stages.len());
        for stage in &self.chain.stages {
            let mut links = Vec::with_capacity(stage.links.len());
            for link in &stage.links {
                links.push(match link {
                    Link::Convert { from, to, .. } => PlannedLink::Convert {
                        from: from.format,
                        to: to.format,
                        why: self.why(number),
                    },
                    Link::Filter { supervisor, input, .. } => {
                        number += 1;
                        PlannedLink::Plugin {
                            number: number - 1,
                            name: supervisor.plugin().name().to_owned(),
                            input: input.clone(),
                        }
                    }
                });
            }
            let threads = if stage.parallel { self.job.workers.max(1) } else { 1 };
            planned.push(PlannedStage { threads, parallel: stage.parallel, links });
        }
        planned
    }

    /// Why pictures are converted before plugin `number`, or before the encoder.
    fn why(&self, number: usize) -> String {
        let (whom, formats) = match self.job.plugins.get(number) {
            Some(supervisor) => {
                let plugin = supervisor.plugin();
                let formats = plugin.filter.as_ref().map(|f| f.formats.clone());
                (plugin.name().to_owned(), formats.unwrap_or_default())
            }
            None => {
                let codec = &self.job.encode.codec;
                let formats = filmgate_av::encoder_formats(codec).unwrap_or_default();
                (format!("the encoder {codec}"), formats)
            }
        };
        let names: Vec<&str> = formats.into_iter().map(PixelFormat::name).collect();
        format!("{whom} takes {}", names.join(", "))
    }
}
