//! What a prepared job is about to do: for a dry run, events and receipts.

use serde::Serialize;

use crate::graph::Link;
use crate::report::StreamReport;
use crate::session::Prepared;
use crate::sink::PlannedEncoder;
use filmgate_av::StreamFacts;
use filmgate_core::frame::PixelFormat;
use filmgate_plugin::Reach;

/// What is about to happen. The fields stand in docs/json.md.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// libav's names of the input's container
    pub container: Option<String>,
    /// seconds, where that is known
    pub duration: Option<f64>,
    /// every stream of the input
    pub streams: Vec<PlannedStream>,
    /// what the source gives
    pub decoded: Option<StreamReport>,
    /// what the encoder gets
    pub encoded: Option<StreamReport>,
    pub stages: Vec<PlannedStage>,
    pub encoder: PlannedEncoder,
}

/// One stream of the input.
#[derive(Clone, Debug, Serialize)]
pub struct PlannedStream {
    pub index: usize,
    /// `video`, `audio` …
    pub kind: &'static str,
    pub codec: String,
    pub fate: Fate,
    /// why it is left out
    pub reason: Option<String>,
}

/// What becomes of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// goes through the plugins
    Decoded,
    /// its packets are copied
    Copied,
    /// is not in the output
    LeftOut,
}

/// Links that one thread runs, one behind the other.
#[derive(Clone, Debug, Serialize)]
pub struct PlannedStage {
    pub threads: usize,
    /// whether frames are shared out between the threads; else one thread sees all, in order
    pub parallel: bool,
    /// how far its plugin looks, where the threads share out pieces of the stream
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reach: Option<Reach>,
    pub links: Vec<PlannedLink>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlannedLink {
    /// the pixel format is changed, for this reason
    Convert { from: &'static str, to: &'static str, why: String },
    /// a plugin, by its number on the command line, and what goes in
    Plugin { number: usize, name: String, input: Box<StreamReport> },
}

impl Prepared {
    /// What is about to happen.
    pub fn plan(&self) -> Plan {
        let report = self.report();
        let facts = self.source.first().map(|(input, _)| input.facts());
        Plan {
            container: facts.map(|f| f.format.clone()),
            duration: self.duration().map(|d| d as f64 / 1e9),
            streams: self.streams(),
            decoded: report
                .decoded
                .clone()
                .or_else(|| report.read.clone())
                .or_else(|| report.source.as_ref().and_then(|s| s.stream.clone())),
            encoded: report.encoded.clone().or_else(|| report.pictures.clone()),
            stages: self.stages(),
            encoder: self.encoder.clone(),
        }
    }

    fn streams(&self) -> Vec<PlannedStream> {
        let Some((input, video)) = self.source.first() else { return Vec::new() };
        let fate = |index: usize| {
            if index == video {
                return (Fate::Decoded, None);
            }
            if self.copied.get(index).is_some_and(|copied| *copied) {
                return (Fate::Copied, None);
            }
            let start = format!("stream {index}, ");
            let told = self.report().left_out.iter().find_map(|l| l.split_once(&start));
            let reason = told.and_then(|(_, l)| l.split_once(": ")).map(|(_, reason)| reason);
            let is_timecode =
                input.facts().streams.get(index).is_some_and(StreamFacts::is_timecode);
            let reason = reason.unwrap_or(if is_timecode && self.selection.wants(index) {
                "written anew from the tag of the video"
            } else if self.selection.wants(index) {
                "the output holds pictures alone"
            } else {
                "not asked for"
            });
            (Fate::LeftOut, Some(reason.to_owned()))
        };
        let stream = |s: &StreamFacts| {
            let (fate, reason) = fate(s.index);
            let (index, kind, codec) = (s.index, s.kind.name(), s.codec.clone());
            PlannedStream { index, kind, codec, fate, reason }
        };
        input.facts().streams.iter().map(stream).collect()
    }

    fn stages(&self) -> Vec<PlannedStage> {
        let mut number = 0;
        let mut planned = Vec::with_capacity(self.chain.stages.len());
        for stage in &self.chain.stages {
            let mut links = Vec::with_capacity(stage.links.len());
            for link in &stage.links {
                links.push(match link {
                    Link::Convert { from, to, .. } => PlannedLink::Convert {
                        from: from.format.name(),
                        to: to.format.name(),
                        why: self.why(number),
                    },
                    Link::Filter { supervisor, input, .. } => {
                        number += 1;
                        PlannedLink::Plugin {
                            number: number - 1,
                            name: supervisor.plugin().name().to_owned(),
                            input: Box::new(input.into()),
                        }
                    }
                });
            }
            let reach = stage.reach.filter(|_| !self.options.live);
            let shared = stage.parallel || reach.is_some();
            let threads = if shared { self.options.workers.max(1) } else { 1 };
            planned.push(PlannedStage { threads, parallel: stage.parallel, reach, links });
        }
        planned
    }

    /// Why frames are converted before plugin `number`, or before the encoder.
    fn why(&self, number: usize) -> String {
        let (whom, formats) = match self.plugins.get(number) {
            Some(supervisor) => {
                let plugin = supervisor.plugin();
                let formats = plugin.filter.as_ref().map(|f| f.formats.clone());
                (plugin.name().to_owned(), formats.unwrap_or_default())
            }
            None => (self.whom.clone(), self.formats.clone()),
        };
        let names: Vec<&str> = formats.into_iter().map(PixelFormat::name).collect();
        format!("{whom} takes {}", names.join(", "))
    }
}
