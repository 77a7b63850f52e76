//! `filmgate completions` and `filmgate man`: for the shell, and for its manual. A script of a shell
//! asks the program itself for candidates.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use clap::{Command, CommandFactory};
use clap_complete::{CompleteEnv, Shell};

use super::args::Arguments;
use super::exit::Exit;
use super::out::print;
use filmgate_core::publish::Aside;

/// The variable by which a script asks for candidates; its value is the shell.
const ASKED: &str = "FILMGATE_COMPLETE";

/// Answers a script that asks for candidates. False where this is an ordinary call.
pub fn answered() -> bool {
    if std::env::var_os(ASKED).is_none() {
        return false;
    }
    let env = CompleteEnv::with_factory(Arguments::command).var(ASKED);
    let folder = std::env::current_dir().ok();
    // Whoever types cannot use an error.
    env.try_complete(std::env::args_os(), folder.as_deref()).unwrap_or(true)
}

/// The script that a shell is to read. For the others clap's own knows the options alone.
pub(super) fn script(shell: Shell) -> Result<()> {
    match shell {
        Shell::Bash => print(include_str!("complete/filmgate.bash")),
        Shell::Zsh => print(include_str!("complete/_filmgate")),
        Shell::Fish => print(include_str!("complete/filmgate.fish")),
        other => {
            let mut script = Vec::new();
            clap_complete::generate(other, &mut Arguments::command(), "filmgate", &mut script);
            print(&String::from_utf8_lossy(&script))
        }
    }
}

/// Writes the pages of all verbs into `folder`; without one, prints filmgate's own page.
pub(super) fn man(folder: Option<&Path>) -> Result<Exit> {
    let mut command = Arguments::command().disable_help_subcommand(true);
    // The pages of a version are the same wherever they are made.
    command = command.long_version(env!("CARGO_PKG_VERSION"));
    command.build();
    let Some(folder) = folder else {
        print(&String::from_utf8_lossy(&page(&command, "filmgate")?))?;
        return Ok(Exit::Done);
    };
    fs::create_dir_all(folder).with_context(|| format!("{}: cannot be made", folder.display()))?;
    write_pages(&command, "filmgate", folder)?;
    Ok(Exit::Done)
}

fn page(command: &Command, name: &str) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    let named = command.clone().name(name.to_owned()).bin_name(name.replace('-', " "));
    clap_mangen::Man::new(named).render(&mut text).context("the manual page cannot be made")?;
    Ok(text)
}

/// The page of `command` and those of the verbs below it, as `filmgate-plugin-list.1`.
fn write_pages(command: &Command, name: &str, folder: &Path) -> Result<()> {
    let path = folder.join(format!("{name}.1"));
    let aside = Aside::create(&path, true)?;
    let text = page(command, name)?;
    aside
        .file()
        .and_then(|mut file| file.write_all(&text))
        .with_context(|| format!("{}: cannot be written", path.display()))?;
    aside.publish()?;
    for below in command.get_subcommands().filter(|c| !c.is_hide_set()) {
        write_pages(below, &format!("{name}-{}", below.get_name()), folder)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_has_a_page() {
        let dir = tempfile::tempdir().expect("a folder");
        man(Some(dir.path())).expect("written");
        for verb in ["", "-run", "-plugin", "-plugin-list", "-man"] {
            let text = fs::read_to_string(dir.path().join(format!("filmgate{verb}.1")));
            let text = text.unwrap_or_else(|e| panic!("{verb}: {e}"));
            assert!(text.contains(".SH SYNOPSIS"), "{text}");
        }
    }
}
