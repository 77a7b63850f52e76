//! What a user allows one plugin beyond the contract. Without a grant there is nothing behind the
//! WASI interfaces that a component imports.
//!
//! Files and the network are not among them: a file's content reaches a plugin as the value of a
//! parameter, so that what it sees is what the user named.

use std::fmt;

/// The capabilities of a plugin; none by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// the real time, of `wasi:clocks`; frames then no longer depend on the input alone
    pub clock: bool,
    /// real random numbers, of `wasi:random`; as above
    pub random: bool,
    /// names of the environment variables that it sees, of `wasi:cli/environment`
    pub environment: Vec<String>,
}

impl Grants {
    /// Adds a capability: `clock`, `random` or `env=NAME`.
    ///
    /// # Errors
    /// What is wrong with the text, and what there is.
    pub fn add(&mut self, text: &str) -> Result<(), String> {
        match text.split_once('=') {
            None if text == "clock" => self.clock = true,
            None if text == "random" => self.random = true,
            Some(("env", name)) if !name.is_empty() && !name.contains(['=', '\0']) => {
                if !self.environment.iter().any(|known| known == name) {
                    self.environment.push(name.to_owned());
                }
            }
            _ => {
                return Err(format!(
                    "{text:?} is no capability; there are clock, random and env=NAME"
                ));
            }
        }
        Ok(())
    }

    /// As they are written.
    pub fn names(&self) -> Vec<String> {
        let plain = [(self.clock, "clock"), (self.random, "random")];
        let plain = plain.into_iter().filter(|(granted, _)| *granted).map(|(_, n)| n.to_owned());
        plain.chain(self.environment.iter().map(|name| format!("env={name}"))).collect()
    }
}

impl fmt::Display for Grants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_are_read_as_they_are_written() {
        let mut grants = Grants::default();
        for text in ["clock", "env=TZ", "env=TZ", "random"] {
            grants.add(text).expect(text);
        }
        assert_eq!(grants.to_string(), "clock, random, env=TZ");
        for text in ["", "files", "env", "env=", "clock=1", "network"] {
            assert!(grants.add(text).is_err_and(|e| e.contains("random")), "{text}");
        }
    }
}
