//! A report that CI systems show: JUnit's XML, as Jenkins and GitLab read it.

use std::fmt::Write;

use super::Case;
use filmgate_plugin::check::Outcome;

/// The cases of one plugin as a document.
pub fn junit(plugin: &str, cases: &[Case]) -> String {
    let count = |wanted: fn(&Outcome) -> bool| cases.iter().filter(|c| wanted(&c.outcome)).count();
    let failures = count(|o| matches!(o, Outcome::Failed(_)));
    let skipped = count(|o| matches!(o, Outcome::Declined(_)));
    let time: f64 = cases.iter().map(|c| c.time.as_secs_f64()).sum();
    let plugin = escaped(plugin);
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"{plugin}\" \
         tests=\"{}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\" time=\"{time:.3}\">\n",
        cases.len()
    );
    for case in cases {
        let (name, time) = (escaped(&case.name), case.time.as_secs_f64());
        let _ =
            write!(out, "    <testcase classname=\"{plugin}\" name=\"{name}\" time=\"{time:.3}\"");
        let _ = match &case.outcome {
            Outcome::Passed => writeln!(out, "/>"),
            Outcome::Declined(text) => {
                writeln!(out, "><skipped message=\"{}\"/></testcase>", escaped(text))
            }
            Outcome::Failed(text) => writeln!(
                out,
                "><failure message=\"{}\">{}</failure></testcase>",
                escaped(text),
                escaped(case.advice)
            ),
        };
    }
    out + "  </testsuite>\n</testsuites>\n"
}

/// Text in XML; characters that it cannot hold (XML 1.0, 2.2) become U+FFFD.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(' '),
            c if c < ' ' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
