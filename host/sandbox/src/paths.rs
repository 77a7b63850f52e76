//! Landlock: which files and ports can be reached.

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, LandlockStatus, NetPort, PathBeneath, PathFd,
    Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, Scope,
};
use std::path::Path;

use crate::profile::{Error, Network, Profile};

/// Up to the version that governs signals and abstract sockets; older kernels get what they know.
const KNOWN: ABI = ABI::V6;

/// Restricts this thread, and those that it starts; returns the version of Landlock, 0 without.
pub(super) fn restrict(profile: &Profile) -> Result<u32, Error> {
    let status = ruleset(profile).map_err(|e| Error::Kernel(format!("Landlock: {e}")))?;
    Ok(match status {
        LandlockStatus::Available { effective_abi, kernel_abi } => {
            kernel_abi.map_or(effective_abi as u32, i32::unsigned_abs)
        }
        _ => 0,
    })
}

fn ruleset(profile: &Profile) -> Result<LandlockStatus, RulesetError> {
    let mut rules = Ruleset::default()
        .handle_access(AccessFs::from_all(KNOWN))?
        .scope(Scope::from_all(KNOWN))?;
    if profile.network != Network::Any {
        rules = rules.handle_access(AccessNet::from_all(KNOWN))?;
    }
    let mut rules = rules.create()?;
    let read = AccessFs::from_read(KNOWN) & !AccessFs::Execute;
    let nothing = AccessFs::Execute | AccessFs::MakeChar | AccessFs::MakeBlock;
    let mut write = AccessFs::from_all(KNOWN) & !nothing;
    if !profile.devices {
        write.remove(AccessFs::IoctlDev);
    }
    let clear = AccessFs::RemoveFile | AccessFs::ReadDir;
    let all = [(&profile.read, read), (&profile.write, write), (&profile.clear, clear)];
    for (paths, access) in all {
        for path in paths {
            // What does not exist cannot be read, and what is to be made is in a folder.
            let Ok(opened) = PathFd::new(path) else { continue };
            rules = rules.add_rule(PathBeneath::new(opened, fitting(path, access)))?;
        }
    }
    if let Network::Connect(ports) = &profile.network {
        for &port in ports {
            rules = rules.add_rule(NetPort::new(port, AccessNet::ConnectTcp))?;
        }
    }
    Ok(rules.restrict_self()?.landlock)
}

/// A rule for a file may not name what only folders have.
fn fitting(path: &Path, access: BitFlags<AccessFs>) -> BitFlags<AccessFs> {
    if path.is_dir() { access } else { access & AccessFs::from_file(KNOWN) }
}
