//! From a file to a plugin that can be instantiated: read, recognise, compile (or take from the
//! cache), check what it imports and exports, and let it describe itself.

use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use tracing::debug;
use wasmtime::component::{Component, InstancePre};

use super::bindings::filter::{FilterPlugin, FilterPluginPre};
use super::bindings::filter_exports::Concurrency;
use super::bindings::naming::NamingPluginPre;
use super::bindings::ordering::OrderingPluginPre;
use super::bindings::types::{Property, Value as GuestValue};
use super::code::{self, Refusal};
use super::describe::{Description, description};
use super::engine::Engine;
use super::error::PluginError;
use super::guest::Guest;
use super::instance::Instance;
use super::limits::Limits;
use super::live::Live;
use super::log::harmless;
use super::package::Located;
use super::plain::read_plain;
use super::wasi3;
use filmgate_core::cancel::Cancel;
use filmgate_core::digest;
use filmgate_core::frame::PixelFormat;

/// The largest component that is loaded. Python's, the largest known, have 18 MB.
pub const COMPONENT_BYTES: u64 = 128 << 20;

/// The package of the contract and the versions of it that this filmgate serves.
const PACKAGE: &str = "filmgate:plugin/";
pub const SERVED: &str = "0.1";

/// How many exports of a foreign component are named in the error message.
const EXPORTS: usize = 10;

/// What a plugin is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Filter,
    Naming,
    Ordering,
}

impl Kind {
    /// The interface that such a plugin exports.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Filter => "filter",
            Kind::Naming => "naming",
            Kind::Ordering => "ordering",
        }
    }

    /// For sentences: `a filter`.
    pub fn noun(self) -> &'static str {
        match self {
            Kind::Filter => "a filter",
            Kind::Naming => "a naming policy",
            Kind::Ordering => "an ordering policy",
        }
    }
}

/// What only filters say of themselves.
#[derive(Clone, Debug)]
pub struct FilterTraits {
    /// the formats that it takes and this filmgate knows, the best first
    pub formats: Vec<PixelFormat>,
    /// the names of formats that it takes and this filmgate does not know
    pub unknown: Vec<String>,
    /// whether pictures may be shared out between instances
    pub parallel: bool,
    /// how far a serial one looks; none where nobody knows
    pub reach: Option<Reach>,
    /// whether it takes other parameters while it is at work
    pub live: bool,
}

/// How many pictures before and behind one a serial filter looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reach {
    pub before: usize,
    pub after: usize,
}

impl Reach {
    /// The most that either may be: what a filter may hold, with room for what it makes.
    const MOST: i64 = 100;

    fn of(more: &[Property]) -> Result<Option<Reach>, String> {
        let number = |name: &str| {
            more.iter().find(|p| p.name == name).map(|p| match p.value {
                GuestValue::Integer(n @ 0..=Reach::MOST) => Ok(n as usize),
                _ => Err(format!("its `{name}` is not an integer from 0 to {}", Reach::MOST)),
            })
        };
        match (number("frames-before").transpose()?, number("frames-after").transpose()?) {
            (Some(before), Some(after)) => Ok(Some(Reach { before, after })),
            (None, None) => Ok(None),
            _ => Err("of `frames-before` and `frames-after` it has one alone".to_owned()),
        }
    }
}

pub(super) enum Pre {
    Filter(FilterPluginPre<Guest>),
    Naming(NamingPluginPre<Guest>),
    Ordering(OrderingPluginPre<Guest>),
}

/// A loaded plugin; instances are made from it.
pub struct Plugin {
    pub path: PathBuf,
    /// bytes of the component
    pub size: u64,
    /// SHA-256 of the component, in hexadecimal
    pub digest: String,
    pub kind: Kind,
    /// the version of the contract it was built for: `0.1.0`
    pub interface: String,
    /// the interfaces that it imports
    pub imports: Vec<String>,
    pub description: Description,
    /// for filters
    pub filter: Option<FilterTraits>,
    pub(super) pre: Pre,
    pub(super) engine: Engine,
    pub(super) limits: Limits,
}

impl Plugin {
    /// Loads the component in `path`.
    ///
    /// # Errors
    /// `Read`, `NotAComponent`, `Compiler`, `WrongInterface`, `Description`, `Cancelled`, and
    /// `Failed` when it breaks off while describing itself.
    pub fn load(engine: &Engine, path: &Path, limits: &Limits) -> Result<Plugin, PluginError> {
        Plugin::of_bytes(engine, path, read(path)?, limits)
    }

    /// As [`Plugin::load`]; a file with another digest than the one it has to have is refused
    /// before anything of it runs.
    ///
    /// # Errors
    /// As [`Plugin::load`]; `Digest`, with both digests.
    pub fn load_located(
        engine: &Engine,
        located: &Located,
        limits: &Limits,
    ) -> Result<Plugin, PluginError> {
        let path = located.path.as_path();
        let bytes = read(path)?;
        if let Some(expected) = &located.sha256 {
            let found = digest::of_bytes(&bytes);
            if found != *expected {
                let (path, expected) = (path.to_owned(), expected.clone());
                return Err(PluginError::Digest { path, expected, found });
            }
        }
        Plugin::of_bytes(engine, path, bytes, limits)
    }

    fn of_bytes(
        engine: &Engine,
        path: &Path,
        bytes: Vec<u8>,
        limits: &Limits,
    ) -> Result<Plugin, PluginError> {
        let fail = |reason: String| PluginError::NotAComponent { path: path.to_owned(), reason };
        recognise(&bytes).map_err(fail)?;
        debug!("loading {} ({} bytes)", path.display(), bytes.len());
        let digest = digest::of_bytes(&bytes);
        let component =
            code::component(engine.compiler(), &bytes, &digest).map_err(|r| refused(path, r))?;
        Plugin::of(engine, path, (bytes.len() as u64, digest), &component, limits)
    }

    /// A plugin of the parent process, by the code that [`Plugin::code`] gave there; `path` and the
    /// component's size and digest are for messages and records.
    ///
    /// # Errors
    /// As [`Plugin::load`].
    pub(super) fn from_parent(
        engine: &Engine,
        path: &Path,
        facts: (u64, String),
        code: Vec<u8>,
        limits: &Limits,
    ) -> Result<Plugin, PluginError> {
        let component = code::from_parent(engine.compiler(), code).map_err(|r| refused(path, r))?;
        Plugin::of(engine, path, facts, &component, limits)
    }

    /// Its compiled code, for [`Plugin::from_parent`] in a process of this very program.
    ///
    /// # Errors
    /// wasmtime's, in words.
    pub(super) fn code(&self) -> Result<Vec<u8>, String> {
        let component = match &self.pre {
            Pre::Filter(pre) => pre.instance_pre().component(),
            Pre::Naming(pre) => pre.instance_pre().component(),
            Pre::Ordering(pre) => pre.instance_pre().component(),
        };
        component.serialize().map_err(|e| format!("{e:#}"))
    }

    fn of(
        engine: &Engine,
        path: &Path,
        (size, digest): (u64, String),
        component: &Component,
        limits: &Limits,
    ) -> Result<Plugin, PluginError> {
        let foreign = |reason| PluginError::WrongInterface { path: path.to_owned(), reason };
        let facts = Facts::of(engine, component);
        let (kind, interface) = facts.kind().map_err(foreign)?;
        facts.check_imports().map_err(foreign)?;
        let linked = wasi3::with_0_3(engine.linker(), engine.wasmtime(), component);
        let pre = linked.and_then(|linker| bind(kind, linker.instantiate_pre(component)?));
        let pre = pre.map_err(|e| {
            foreign(format!(
                "does not fit version {SERVED} of the contract: {}",
                harmless(&format!("{e:#}"), 500)
            ))
        })?;
        let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        let (description, filter) = introduce(engine, path, &stem, &pre, limits)?;
        Ok(Plugin {
            path: path.to_owned(),
            size,
            digest,
            kind,
            interface,
            imports: facts.imports,
            description,
            filter,
            pre,
            engine: engine.clone(),
            limits: limits.clone(),
        })
    }

    pub fn name(&self) -> &str {
        &self.description.name
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(super) fn wrong_kind(&self, wanted: Kind) -> PluginError {
        PluginError::WrongKind {
            plugin: self.name().to_owned(),
            found: self.kind.noun(),
            wanted: wanted.noun(),
        }
    }
}

/// Compiles the plugins in these files, or takes their code out of the user's cache, before this
/// process gives up starting others and reaching files (a sandbox). No other plugin is loaded from
/// now on; what is wrong with one of these is told when it is loaded. The first call counts.
pub fn compile_ahead(paths: &[PathBuf], cancel: &Cancel) {
    let components = paths.iter().filter_map(|path| read(path).ok());
    code::compile_ahead(components.filter(|bytes| recognise(bytes).is_ok()), cancel);
}

fn read(path: &Path) -> Result<Vec<u8>, PluginError> {
    read_plain(path, COMPONENT_BYTES).map_err(|source| match source.kind() {
        io::ErrorKind::InvalidInput | io::ErrorKind::FileTooLarge => {
            PluginError::NotAComponent { path: path.to_owned(), reason: source.to_string() }
        }
        _ => PluginError::Read { path: path.to_owned(), source },
    })
}

fn refused(path: &Path, refusal: Refusal) -> PluginError {
    let path = path.to_owned();
    match refusal {
        Refusal::Unfit(reason) if wasi3::is_asynchronous(&reason) => PluginError::WrongInterface {
            path,
            reason: format!("uses asynchronous functions, streams or futures; {}", wasi3::WAY_OUT),
        },
        Refusal::Unfit(reason) => PluginError::NotAComponent { path, reason },
        Refusal::System(source) => PluginError::Compiler { path, source },
        Refusal::Cancelled => PluginError::Cancelled { plugin: path.display().to_string() },
    }
}

/// Tells components from everything else by the first eight bytes: the magic, and the version
/// and layer fields (WebAssembly core specification 5.5.16; Component Model, Binary.md).
fn recognise(bytes: &[u8]) -> Result<(), String> {
    match bytes {
        [] => Err("an empty file".to_owned()),
        [0, b'a', b's', b'm', 0x0d, 0, 1, 0, ..] => Ok(()),
        [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => Err(
            "a core WebAssembly module, not a component; `filmgate plugin pack` makes one of it"
                .to_owned(),
        ),
        [0, b'a', b's', b'm', ..] => {
            Err("a WebAssembly file of a version that is not known here".to_owned())
        }
        _ => Err("not a WebAssembly file".to_owned()),
    }
}

/// The interfaces that a component has on its outside.
struct Facts {
    imports: Vec<String>,
    exports: Vec<String>,
}

impl Facts {
    fn of(engine: &Engine, component: &Component) -> Facts {
        let kind = component.component_type();
        let names = |list: Vec<&str>| list.into_iter().map(str::to_owned).collect();
        Facts {
            imports: names(kind.imports(engine.wasmtime()).map(|(n, _)| n).collect()),
            exports: names(kind.exports(engine.wasmtime()).map(|(n, _)| n).collect()),
        }
    }

    /// What it is for, and the version of the contract that it was built for.
    fn kind(&self) -> Result<(Kind, String), String> {
        let ours: Vec<(Kind, &str)> = self
            .exports
            .iter()
            .filter_map(|e| e.strip_prefix(PACKAGE)?.split_once('@'))
            .filter_map(|(name, version)| {
                let kinds = [Kind::Filter, Kind::Naming, Kind::Ordering];
                Some((kinds.into_iter().find(|k| k.name() == name)?, version))
            })
            .collect();
        let served = |v: &str| v.strip_prefix(SERVED).is_some_and(|rest| rest.starts_with('.'));
        let mut fitting = ours.iter().filter(|(_, version)| served(version));
        match (fitting.next(), fitting.next()) {
            (Some(_), Some(_)) => {
                Err("is a plugin of several kinds at once; make one component of each".to_owned())
            }
            (Some((kind, version)), None) => Ok((*kind, (*version).to_owned())),
            (None, _) => Err(match ours.first() {
                Some((kind, version)) => format!(
                    "{} for version {version} of the contract; this filmgate serves {SERVED}",
                    kind.noun()
                ),
                None => format!(
                    "a component of another world: it exports {}, and none of {PACKAGE}filter, naming and ordering",
                    if self.exports.is_empty() {
                        "nothing".to_owned()
                    } else {
                        self.exports
                            .iter()
                            .take(EXPORTS)
                            .map(|e| harmless(e, 100))
                            .collect::<Vec<_>>()
                            .join(", ")
                    }
                ),
            }),
        }
    }

    fn check_imports(&self) -> Result<(), String> {
        let known = |name: &str| name.starts_with(PACKAGE) || name.starts_with("wasi:");
        match self.imports.iter().find(|i| !known(i)) {
            Some(import) => Err(format!(
                "asks for `{}`, which filmgate does not give to plugins",
                harmless(import, 100)
            )),
            None => Ok(()),
        }
    }
}

fn bind(kind: Kind, pre: InstancePre<Guest>) -> wasmtime::Result<Pre> {
    Ok(match kind {
        Kind::Filter => Pre::Filter(FilterPluginPre::new(pre)?),
        Kind::Naming => Pre::Naming(NamingPluginPre::new(pre)?),
        Kind::Ordering => Pre::Ordering(OrderingPluginPre::new(pre)?),
    })
}

/// Lets it describe itself, on an instance that does nothing else.
fn introduce(
    engine: &Engine,
    path: &Path,
    stem: &str,
    pre: &Pre,
    limits: &Limits,
) -> Result<(Description, Option<FilterTraits>), PluginError> {
    let mut instance = Instance::new(engine, &harmless(stem, 64), limits);
    let (about, more) = instance.call(
        || "was asked to describe itself".to_owned(),
        |store| {
            Ok(match pre {
                Pre::Filter(pre) => {
                    let instance = pre.instance_pre().instantiate(&mut *store)?;
                    let plugin = FilterPlugin::new(&mut *store, &instance)?;
                    let live = Live::of(&instance, &mut *store)?.is_some();
                    let d = plugin.filmgate_plugin_filter().call_describe(store)?;
                    (d.about, Some((d.formats, d.concurrency, live)))
                }
                Pre::Naming(pre) => {
                    let plugin = pre.instantiate(&mut *store)?;
                    (plugin.filmgate_plugin_naming().call_describe(store)?, None)
                }
                Pre::Ordering(pre) => {
                    let plugin = pre.instantiate(&mut *store)?;
                    (plugin.filmgate_plugin_ordering().call_describe(store)?, None)
                }
            })
        },
    )?;
    let fail = |reason| PluginError::Description { path: path.to_owned(), reason };
    let traits = |(formats, concurrency, live)| {
        filter_traits(formats, concurrency, Reach::of(&about.more)?, live)
    };
    let filter = more.map(traits).transpose().map_err(fail)?;
    Ok((description(about).map_err(fail)?, filter))
}

/// The most formats that a filter may list.
const FORMATS: usize = 64;

fn filter_traits(
    names: Vec<String>,
    concurrency: Concurrency,
    reach: Option<Reach>,
    live: bool,
) -> Result<FilterTraits, String> {
    if names.is_empty() || names.len() > FORMATS {
        return Err(format!("it takes {} formats; 1 to {FORMATS} are allowed", names.len()));
    }
    // Formats that a newer filmgate may know are passed over.
    let (mut formats, mut unknown) = (Vec::new(), Vec::new());
    for name in &names {
        match PixelFormat::from_name(name) {
            Some(format) if !formats.contains(&format) => formats.push(format),
            Some(_) => return Err(format!("it lists the format `{name}` twice")),
            None => unknown.push(harmless(name, 64)),
        }
    }
    let parallel = matches!(concurrency, Concurrency::Parallel);
    if parallel && reach.is_some() {
        return Err("it says that it is parallel, and how far it looks beyond a frame".to_owned());
    }
    Ok(FilterTraits { formats, unknown, parallel, reach, live })
}
