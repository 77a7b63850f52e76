//! Names of images: what `--names` and `--format` mean: a naming policy, and a format.

use std::path::{Path, PathBuf};

use crate::spec::{Fault, JobSpec, Pairs, PluginSpec, SpecError};
use filmgate_picture::PictureFormat;

/// The default of `--names`.
const NAMES: &str = "frame%06d.jpg";

/// Where images go, how they are named and what they are written as.
#[derive(Clone, Debug)]
pub(super) struct Names {
    pub folder: PathBuf,
    pub policy: PluginSpec,
    pub format: PictureFormat,
}

/// Works out folder, naming policy and format.
///
/// # Errors
/// Usage.
pub(super) fn names(spec: &JobSpec) -> Result<Names, SpecError> {
    let output = spec.output.first().map_or(Path::new("."), PathBuf::as_path);
    let last = output.file_name().and_then(|n| n.to_str()).filter(|n| number(n).is_some());
    let (folder, names) = match (last, spec.names.as_deref()) {
        (Some(last), None) => (output.parent().unwrap_or(Path::new("")), last),
        (_, names) => (output, names.unwrap_or(NAMES)),
    };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let given = spec.format.as_deref().map(format).transpose()?;
    let (policy, format) = match number(names) {
        None => {
            let policy = names.parse::<PluginSpec>().map_err(SpecError::usage)?;
            (policy, given.unwrap_or(PictureFormat::Jpeg))
        }
        Some(_) => {
            let written = Path::new(names).extension().and_then(|e| e.to_str());
            let ending = written.and_then(PictureFormat::from_ending);
            let format = match (given.or(ending), written) {
                (Some(format), _) => format,
                (None, None) => PictureFormat::Jpeg,
                (None, Some(unknown)) => return Err(unknown_ending(names, unknown)),
            };
            (template(names, ending), format)
        }
    };
    Ok(Names { folder: folder.to_owned(), policy, format })
}

fn format(name: &str) -> Result<PictureFormat, SpecError> {
    PictureFormat::from_ending(name).ok_or_else(|| {
        SpecError::usage(format!("--format {name}: expected jpg, png, webp, bmp, or tiff"))
    })
}

fn unknown_ending(names: &str, ending: &str) -> SpecError {
    let message = format!(
        "{names}: no image format has the extension .{ending}; use .jpg, .png, .webp, .bmp or .tiff, \
         or name the format with --format"
    );
    SpecError::new(Fault::OutputUnsupported, message)
}

/// The place for the number in a name: where it begins and ends, and how many digits it has.
fn number(name: &str) -> Option<(usize, usize, usize)> {
    let mut from = 0;
    while let Some(found) = name[from..].find('%') {
        let at = from + found;
        let behind = &name[at + 1..];
        let digits = behind.len() - behind.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        match behind.as_bytes().get(digits) {
            Some(b'd') => {
                let width = behind[..digits].parse().unwrap_or(0);
                return (width <= 20).then_some((at, at + digits + 2, width));
            }
            Some(b'%') if digits == 0 => from = at + 2,
            _ => from = at + 1,
        }
    }
    None
}

/// A name with `%06d` in it as the policy `template` has it. An ending that names a format makes
/// place for that of the format that is written.
fn template(name: &str, ending: Option<PictureFormat>) -> PluginSpec {
    let literal = |text: &str| text.replace("%%", "%").replace('{', "{{").replace('}', "}}");
    let (from, to, digits) = number(name).unwrap_or((name.len(), name.len(), 0));
    let behind = match (ending, name[to..].rsplit_once('.')) {
        (Some(_), Some((stem, _))) => format!("{}.{{ext}}", literal(stem)),
        _ => literal(&name[to..]),
    };
    let number = match digits {
        0 => "{number}".to_owned(),
        digits => format!("{{number:0{digits}}}"),
    };
    let pattern = format!("{}{number}{behind}", literal(&name[..from]));
    let parameters = Pairs(vec![("pattern".to_owned(), pattern)]);
    PluginSpec { name: "template".to_owned(), parameters, ..PluginSpec::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(output: &str, names: Option<&str>, format: Option<&str>) -> Result<Names, SpecError> {
        super::names(&JobSpec {
            output: vec![output.into()],
            names: names.map(str::to_owned),
            format: format.map(str::to_owned),
            ..JobSpec::default()
        })
    }

    fn pattern(names: &str) -> String {
        of("out", Some(names), None).expect("readable").policy.parameters.0[0].1.clone()
    }

    #[test]
    fn names_with_a_number_are_patterns() {
        assert_eq!(pattern("frame%06d.jpg"), "frame{number:06}.{ext}");
        assert_eq!(pattern("100%%-{a}-%d.PNG"), "100%-{{a}}-{number}.{ext}");
        assert_eq!(pattern("day.1/%3d"), "day.1/{number:03}");
        let shot = of("out", Some("%02d.shot"), Some("png")).expect("readable");
        assert_eq!(shot.policy.parameters.0[0].1, "{number:02}.shot");
        assert!(of("out", Some("%02d.shot"), None).is_err_and(|e| e.message.contains(".shot")));
    }

    #[test]
    fn endings_say_the_format_unless_somebody_else_does() {
        let format =
            |n: Option<&str>, f: Option<&str>| of("out", n, f).map(|names| names.format).ok();
        assert_eq!(format(None, None), Some(PictureFormat::Jpeg));
        assert_eq!(format(Some("%d.png"), None), Some(PictureFormat::Png));
        assert_eq!(format(Some("%d.png"), Some("tif")), Some(PictureFormat::Tiff));
        assert_eq!(
            format(Some("template:pattern={stem}"), Some("webp")),
            Some(PictureFormat::Webp)
        );
        assert_eq!(format(None, Some("gif")), None);
    }

    #[test]
    fn the_output_may_be_a_pattern_as_for_other_programs() {
        let of = |output: &str| of(output, None, None).expect("readable");
        assert_eq!(of("out/shot%04d.png").folder, Path::new("out"));
        assert_eq!(of("out/shot%04d.png").format, PictureFormat::Png);
        assert_eq!(of("shot%04d.png").folder, Path::new("."));
        assert_eq!(of("out/100%").folder, Path::new("out/100%"));
    }
}
