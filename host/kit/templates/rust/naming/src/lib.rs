//! {{name}}: numbers the outputs: clip-1.mp4, clip-2.mp4 …
use filmgate_plugin::*;

struct Numbered;

impl Naming for Numbered {
    fn describe() -> Description {
        Description::new("{{name}}", env!("CARGO_PKG_VERSION"), "numbers the outputs")
    }
    fn configure(_parameters: &Parameters) -> Result<Self, Error> {
        Ok(Numbered)
    }
    fn name(&mut self, what: &Request) -> Result<String, Error> {
        let number = what.index + u64::from(what.attempt) + 1;
        Ok(format!("clip-{number}.{}", what.extension))
    }
}
export_naming!(Numbered);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_name_is_not_given_again() {
        let mut what = Request {
            sources: Vec::new(),
            index: 0,
            attempt: 0,
            position: None,
            taken: None,
            extension: "mp4".to_owned(),
            folders: false,
            more: Vec::new(),
        };
        assert_eq!(Numbered.name(&what).expect("a name"), "clip-1.mp4");
        what.attempt = 1;
        assert_eq!(Numbered.name(&what).expect("a name"), "clip-2.mp4");
    }
}
