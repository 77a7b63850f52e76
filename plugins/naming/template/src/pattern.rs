//! Reading a pattern: text, and placeholders in braces.

/// A pattern, cut up.
#[derive(Debug)]
pub(crate) struct Pattern(Vec<Piece>);

#[derive(Debug, PartialEq)]
pub(crate) enum Piece {
    Text(String),
    /// A number is filled up with zeros to `width` digits; 0 where nothing was said.
    Field {
        field: Field,
        width: usize,
    },
}

macro_rules! fields {
    ($($field:ident $name:literal $is_number:literal;)*) => {
        /// What a placeholder stands for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Field { $($field),* }

        impl Field {
            const ALL: &[Field] = &[$(Field::$field),*];

            fn name(self) -> &'static str {
                match self { $(Field::$field => $name),* }
            }

            /// Whether it takes a width.
            fn is_number(self) -> bool {
                match self { $(Field::$field => $is_number),* }
            }
        }
    };
}

fields! {
    Stem "stem" false;
    Name "name" false;
    Dir "dir" false;
    Ext "ext" false;
    Index "index" true;
    Number "number" true;
    Count "count" true;
    Attempt "attempt" true;
    Date "date" false;
    Time "time" false;
    Year "year" false;
    Month "month" false;
    Day "day" false;
    Position "position" false;
    Codec "codec" false;
    Width "width" true;
    Height "height" true;
    Task "task" false;
    Device "device" false;
}

impl Pattern {
    /// `{{` and `}}` stand for braces.
    ///
    /// # Errors
    /// What is wrong, for people.
    pub(crate) fn parse(pattern: &str) -> Result<Pattern, String> {
        let mut pieces = Vec::new();
        let mut text = String::new();
        let mut rest = pattern;
        while let Some(at) = rest.find(['{', '}']) {
            text.push_str(&rest[..at]);
            let brace = &rest[at..at + 1];
            rest = &rest[at + 1..];
            if let Some(behind) = rest.strip_prefix(brace) {
                text.push_str(brace);
                rest = behind;
            } else if brace == "}" {
                return Err(format!("a }} without a {{ in {pattern:?}; write }}}} for a brace"));
            } else {
                let (inside, behind) = rest
                    .split_once('}')
                    .ok_or_else(|| format!("a {{ without a }} in {pattern:?}"))?;
                if !text.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut text)));
                }
                pieces.push(placeholder(inside)?);
                rest = behind;
            }
        }
        text.push_str(rest);
        if !text.is_empty() {
            pieces.push(Piece::Text(text));
        }
        Ok(Pattern(pieces))
    }

    pub(crate) fn pieces(&self) -> &[Piece] {
        &self.0
    }

    pub(crate) fn has(&self, wanted: Field) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Field { field, .. } if *field == wanted))
    }
}

/// What stands between two braces: `index` or `index:06`.
fn placeholder(inside: &str) -> Result<Piece, String> {
    let (name, width) = match inside.split_once(':') {
        Some((name, width)) => (name, Some(width)),
        None => (inside, None),
    };
    let Some(&field) = Field::ALL.iter().find(|field| field.name() == name) else {
        let known: Vec<&str> = Field::ALL.iter().map(|field| field.name()).collect();
        return Err(format!("unknown placeholder {{{name}}}; there are {}", known.join(", ")));
    };
    let width = match width {
        None => 0,
        Some(_) if !field.is_number() => {
            return Err(format!("{{{inside}}}: {name} is no number and takes no width"));
        }
        Some(width) => parse_width(width).ok_or_else(|| {
            format!("{{{inside}}}: a width is written as {{{name}:06}}, from 01 to 020")
        })?,
    };
    Ok(Piece::Field { field, width })
}

/// `06`: filled with zeros to six digits, at most twenty.
fn parse_width(text: &str) -> Option<usize> {
    let digits = text.strip_prefix('0')?;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok().filter(|width| (1..=20).contains(width))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(field: Field, width: usize) -> Piece {
        Piece::Field { field, width }
    }

    fn text(text: &str) -> Piece {
        Piece::Text(text.into())
    }

    #[test]
    fn text_and_placeholders_alternate() {
        let pieces = Pattern::parse("a-{stem}_{index:06}.{ext}").expect("a good pattern").0;
        let expected = [
            text("a-"),
            field(Field::Stem, 0),
            text("_"),
            field(Field::Index, 6),
            text("."),
            field(Field::Ext, 0),
        ];
        assert_eq!(pieces, expected);
    }

    #[test]
    fn doubled_braces_are_text() {
        let pieces = Pattern::parse("{{x}}{{{day}}}").expect("a good pattern").0;
        assert_eq!(pieces, [text("{x}{"), field(Field::Day, 0), text("}")]);
    }

    #[test]
    fn mistakes_are_named() {
        for (pattern, part) in [
            ("{stm}", "unknown placeholder {stm}"),
            ("{}", "unknown placeholder {}"),
            ("a{stem", "a { without a }"),
            ("a}b", "a } without a {"),
            ("{stem:06}", "takes no width"),
            ("{index:6}", "{index:06}"),
            ("{index:0}", "{index:06}"),
            ("{index:0+6}", "{index:06}"),
            ("{index:021}", "{index:06}"),
        ] {
            let error = Pattern::parse(pattern).expect_err(pattern);
            assert!(error.contains(part), "{error}");
        }
    }
}
