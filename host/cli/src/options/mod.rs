//! Options of the verbs that run a job. What verbs share is a group of its own; each group fills
//! fields of the [`JobSpec`]. Options that take a value have no default here: what is not given may
//! be in the file of `--config`, and gets its default where the field is used.

mod encode;
mod encoding;
mod frame;
mod join;
mod part;
mod plugins;
mod pushing;
mod reading;
mod reports;
mod run;
mod sandbox;
mod split;

pub use encode::EncodeArguments;
pub use frame::FrameArguments;
pub use join::JoinArguments;
pub use plugins::{LimitOptions, PluginOptions};
pub use reports::{Mode, ReportOptions};
pub use run::RunArguments;
pub use sandbox::SandboxOptions;
pub use split::SplitArguments;

pub(crate) use encoding::EncodingOptions;
pub(crate) use part::PartOptions;
pub(crate) use pushing::PushOptions;
pub(crate) use reading::{ReadingOptions, ReconnectOptions};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::de::value::Error;
use serde::de::{DeserializeOwned, IntoDeserializer};

/// Reads one of the words that a file has for a value, so that file and command line cannot differ.
pub(crate) fn words<T>(words: &'static [&'static str]) -> impl TypedValueParser<Value = T>
where
    T: DeserializeOwned + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(words).try_map(|word: String| {
        T::deserialize(IntoDeserializer::<Error>::into_deserializer(word.as_str()))
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use filmgate_engine::spec::JobSpec;
    use filmgate_watch::WatchSpec;
    use serde_json::Value;

    use crate::args::Arguments;

    /// Options that are not in the description: they say what to do with it.
    const OF_THE_COMMAND: [&str; 6] =
        ["config", "config-schema", "dry-run", "help", "log-format", "status"];

    fn fields(spec: impl serde::Serialize) -> serde_json::Map<String, Value> {
        let Ok(Value::Object(fields)) = serde_json::to_value(spec) else { panic!("a table") };
        fields
    }

    #[test]
    fn every_option_is_a_field() {
        let mut command = Arguments::command();
        command.build();
        for name in ["run", "encode", "split", "frame", "watch"] {
            let is_watch = name == "watch";
            let fields =
                if is_watch { fields(WatchSpec::default()) } else { fields(JobSpec::default()) };
            let verb = command.find_subcommand(name).expect("a verb");
            let longs = verb.get_arguments().filter_map(clap::Arg::get_long);
            for long in longs.filter(|l| !OF_THE_COMMAND.contains(l)) {
                assert!(fields.contains_key(long), "{}: --{long}", verb.get_name());
            }
        }
    }

    #[test]
    fn values_have_no_defaults_of_clap() {
        let mut command = Arguments::command();
        command.build();
        for verb in ["run", "encode", "split", "frame", "watch"] {
            let verb = command.find_subcommand(verb).expect("a verb");
            let mut valued = verb.get_arguments().filter(|a| a.get_action().takes_values());
            let filled = valued
                .find(|a| a.get_long() != Some("log-format") && !a.get_default_values().is_empty());
            assert!(filled.is_none(), "{filled:?}");
        }
    }
}
