//! A naming policy at work. No name that a plugin gives leads out of the output folder.

use super::bindings::naming::NamingPlugin;
use super::bindings::naming_exports::Request as GuestRequest;
use super::describe::{Value, properties};
use super::error::PluginError;
use super::instance::Instance;
use super::item::Item;
use super::load::{Kind, Plugin, Pre};
use super::log::harmless;

/// The longest component of a path (`NAME_MAX` of every Linux file system, limits.h), in bytes.
const COMPONENT_BYTES: usize = 255;

/// The longest name with its folders, in bytes: what is left of `PATH_MAX` for the folder itself
/// has to be enough.
const NAME_BYTES: usize = 2048;

/// Which output is to be named (`wit/naming.wit`).
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub sources: Vec<Item>,
    /// outputs named before this one
    pub index: u64,
    /// answers that were taken already
    pub attempt: u32,
    /// nanoseconds into the source
    pub position: Option<i64>,
    /// microseconds since 1970-01-01 UTC
    pub taken: Option<i64>,
    /// without the dot
    pub extension: String,
    /// whether the name may hold sub-folders
    pub folders: bool,
    /// minutes east of UTC
    pub utc_offset: Option<i64>,
}

/// One configured instance of a naming policy.
pub struct Naming {
    instance: Instance,
    bindings: NamingPlugin,
}

impl Naming {
    /// # Errors
    /// `WrongKind`, `Parameter`, `Refused`, `Failed`, `Cancelled`.
    pub fn start(plugin: &Plugin, parameters: &[(String, Value)]) -> Result<Naming, PluginError> {
        let Pre::Naming(pre) = &plugin.pre else { return Err(plugin.wrong_kind(Kind::Naming)) };
        let mut instance = Instance::new(&plugin.engine, plugin.name(), &plugin.limits);
        let doing = || "was configured".to_owned();
        let parameters = properties(parameters);
        let (bindings, answer) = instance.call(doing, |store| {
            let bindings = pre.instantiate(&mut *store)?;
            let answer = bindings.filmgate_plugin_naming().call_configure(store, &parameters)?;
            Ok((bindings, answer))
        })?;
        answer.map_err(|e| instance.refusal(doing(), e))?;
        Ok(Naming { instance, bindings })
    }

    /// A name below the output folder, safe to use there: relative, of plain components.
    ///
    /// # Errors
    /// `Refused` when the policy says no; anything else ends the instance.
    pub fn name(&mut self, request: &Request) -> Result<String, PluginError> {
        let doing = || format!("was asked to name output {}", request.index);
        let what = to_guest(request);
        let naming = self.bindings.filmgate_plugin_naming();
        let answer = self.instance.call(doing, |store| naming.call_name(store, &what))?;
        let name = answer.map_err(|e| self.instance.refusal(doing(), e))?;
        check_name(&name, request.folders)
            .and_then(|()| check_extension(&name, &request.extension))
            .map_err(|e| self.instance.misuse(doing(), e))?;
        Ok(name)
    }
}

fn to_guest(request: &Request) -> GuestRequest {
    let more: Vec<(String, Value)> = request
        .utc_offset
        .map(|minutes| ("utc-offset".to_owned(), Value::Integer(minutes)))
        .into_iter()
        .collect();
    GuestRequest {
        sources: request.sources.iter().map(Item::to_guest).collect(),
        index: request.index,
        attempt: request.attempt,
        position: request.position.map(|p| p.max(0)),
        taken: request.taken.map(|t| t.max(0)),
        extension: request.extension.clone(),
        folders: request.folders,
        more: properties(&more),
    }
}

/// Marks that turn the direction of writing, with which a name looks like another one (Unicode
/// Technical Report 36, section 3.1).
const TURNS: [char; 12] = [
    '\u{61c}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}',
    '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}',
];

/// Whether `name` ends as it was asked to, with something before it.
fn check_extension(name: &str, extension: &str) -> Result<(), String> {
    let last = name.rsplit('/').next().unwrap_or(name);
    let stem = last.strip_suffix(extension).and_then(|stem| stem.strip_suffix('.'));
    if extension.is_empty() || stem.is_some_and(|stem| !stem.is_empty()) {
        return Ok(());
    }
    Err(format!("gave the name `{}`, which does not end in `.{extension}`", harmless(name, 100)))
}

/// Whether `name` is one path component, or several where `folders` says so, each of which names
/// something in its folder and nothing else.
pub fn check_name(name: &str, folders: bool) -> Result<(), String> {
    let shown = || harmless(name, 100);
    if name.is_empty() {
        return Err("gave an empty name".to_owned());
    }
    if name.len() > NAME_BYTES {
        return Err(format!("gave a name of {} bytes; at most {NAME_BYTES}", name.len()));
    }
    if !folders && name.contains('/') {
        return Err(format!(
            "gave the name `{}` with a folder in it, where none is allowed",
            shown()
        ));
    }
    for component in name.split('/') {
        let reason = match component {
            "" => "has an empty component",
            "." | ".." => "leads out of its folder",
            c if c.contains('\0') => "holds a NUL byte",
            c if c.contains(char::is_control) => "holds a control character",
            c if c.contains(TURNS) => "holds a mark that turns the direction of writing",
            c if c.len() > COMPONENT_BYTES => "has a component of more than 255 bytes",
            _ => continue,
        };
        return Err(format!("gave the name `{}`, which {reason}", shown()));
    }
    Ok(())
}
