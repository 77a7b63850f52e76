//! WASI with nothing in it. Components of many languages import WASI 0.2 whether they need it or
//! not; here it is linked, but there is no file, no environment, no argument, no network and no
//! standard input behind it, its clocks and random numbers are the same in every run, and nothing
//! waits. A user's grants put the real clock, random numbers and single variables there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use wasmtime::component::{Linker, Resource};
use wasmtime_wasi::p2::DynPollable;
use wasmtime_wasi::{Deterministic, HostMonotonicClock, HostWallClock, WasiCtx, WasiView};

use super::grants::Grants;
use super::log::{Level, LogStream, PluginLog};

/// The version of wasi:io that wasmtime-wasi implements; the linker serves older 0.2 ones by it.
const IO_POLL: &str = "wasi:io/poll@0.2.12";

/// The context of one instance.
pub(super) fn context(log: &PluginLog, grants: &Grants) -> WasiCtx {
    let mut builder = WasiCtx::builder();
    builder
        .stdin(std::io::empty())
        .stdout(LogStream::new(log, Level::Info))
        .stderr(LogStream::new(log, Level::Warn))
        .max_random_size(64 << 10)
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false);
    if !grants.clock {
        let clock = VirtualClock::default();
        builder.wall_clock(clock.clone()).monotonic_clock(clock);
    }
    if !grants.random {
        builder
            .secure_random(Deterministic::new(random_bytes()))
            .insecure_random(Deterministic::new(random_bytes()))
            .insecure_random_seed(0x66_69_6c_6d_67_61_74_65);
    }
    for name in &grants.environment {
        if let Ok(value) = std::env::var(name) {
            builder.env(name, value);
        }
    }
    builder.build()
}

/// Links all of WASI 0.2's command world, then replaces what could wait: whatever a guest waits
/// for is ready at once. (The epoch deadline stops guest code only; a wait inside the host would
/// run past it.)
pub(super) fn link<T: WasiView>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_sync(linker)?;
    linker.allow_shadowing(true);
    let mut poll = linker.instance(IO_POLL)?;
    poll.func_wrap("[method]pollable.block", |_, (_,): (Resource<DynPollable>,)| Ok(()))?;
    poll.func_wrap("[method]pollable.ready", |_, (_,): (Resource<DynPollable>,)| Ok((true,)))?;
    poll.func_wrap("poll", |_, (list,): (Vec<Resource<DynPollable>>,)| {
        Ok(((0..u32::try_from(list.len())?).collect::<Vec<u32>>(),))
    })?;
    linker.allow_shadowing(false);
    Ok(())
}

/// Time that passes by being looked at, a millisecond a look, from 2000-01-01: the same input
/// gives the same output, and a guest that loops until some time has passed gets there.
#[derive(Clone, Default)]
struct VirtualClock(Arc<AtomicU64>);

const LOOK: Duration = Duration::from_millis(1);
const YEAR_2000: Duration = Duration::from_secs(946_684_800);

impl VirtualClock {
    fn look(&self) -> Duration {
        LOOK * u32::try_from(self.0.fetch_add(1, Ordering::Relaxed)).unwrap_or(u32::MAX)
    }
}

impl HostWallClock for VirtualClock {
    fn resolution(&self) -> Duration {
        LOOK
    }

    fn now(&self) -> Duration {
        YEAR_2000 + self.look()
    }
}

impl HostMonotonicClock for VirtualClock {
    fn resolution(&self) -> u64 {
        1_000_000
    }

    fn now(&self) -> u64 {
        u64::try_from(self.look().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// A fixed sequence (xorshift64*, Marsaglia 2003): enough for hash seeds, useless for secrets,
/// which a plugin has none of.
fn random_bytes() -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    };
    (0..512).flat_map(|_| next().to_le_bytes()).collect()
}
