//! What one plugin may use, and the limiter that holds it to its memory.

use std::time::Duration;

use wasmtime::ResourceLimiter;

use super::grants::Grants;

/// What one instance of a plugin may use. The defaults are what the README promises.
#[derive(Clone, Debug)]
pub struct Limits {
    /// how long one call of an export may take
    pub deadline: Duration,
    /// bytes that all memories and tables of the instance may take together; the frames that it
    /// holds may take as much again in the host
    pub memory: usize,
    /// frames that it may hold at one time
    pub frames: usize,
    /// what it may use beyond the contract
    pub grants: Grants,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            deadline: Duration::from_secs(2),
            memory: 256 << 20,
            frames: 128,
            grants: Grants::default(),
        }
    }
}

/// Bytes that one call from the guest may hand over as strings and lists. The engine counts
/// planes too, though they are read in place: where a stream has larger ones, one of those may
/// be handed over ([`super::instance::Instance::expect_pictures`]).
pub(super) const HOSTCALL_BYTES: usize = 8 << 20;

/// Handles to host resources that an instance may hold at one time.
pub(super) const HANDLES: usize = 1024;

/// What a table's element takes in the engine, rounded up.
const TABLE_ELEMENT: usize = 16;

/// Counts all memories and tables of one store together: wasmtime's own `StoreLimits` holds each
/// of them to the limit alone, so that sixteen memories would be sixteen times the limit.
#[derive(Debug)]
pub(super) struct Limiter {
    limit: usize,
    used: usize,
    /// whether growth was refused in this call: a trap that follows is the guest's
    /// out-of-memory abort
    pub(super) refused: bool,
}

impl Limiter {
    pub(super) fn new(limit: usize) -> Limiter {
        Limiter { limit, used: 0, refused: false }
    }

    /// Bytes in use now.
    pub(super) fn used(&self) -> usize {
        self.used
    }

    fn grow(&mut self, current: usize, desired: usize, element: usize) -> bool {
        let more = desired.saturating_sub(current).saturating_mul(element);
        match self.used.checked_add(more) {
            Some(used) if used <= self.limit => {
                self.used = used;
                true
            }
            _ => {
                self.refused = true;
                false
            }
        }
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|m| desired > m) {
            return Ok(false);
        }
        Ok(self.grow(current, desired, 1))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|m| desired > m) {
            return Ok(false);
        }
        Ok(self.grow(current, desired, TABLE_ELEMENT))
    }

    // Components of languages with a runtime are some dozen core instances, with one memory and
    // a few tables between them. Each memory reserves gigabytes of address space.
    fn instances(&self) -> usize {
        256
    }

    fn memories(&self) -> usize {
        32
    }

    fn tables(&self) -> usize {
        256
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_memories_and_tables_count_together() {
        let mut limiter = Limiter::new(1000);
        assert!(limiter.memory_growing(0, 600, None).expect("no error"));
        assert!(!limiter.memory_growing(0, 600, None).expect("no error"));
        assert!(limiter.refused);
        assert!(limiter.table_growing(0, 25, None).expect("no error"));
        assert!(!limiter.table_growing(25, 26, None).expect("no error"));
        assert_eq!(limiter.used(), 1000);
        assert!(!limiter.memory_growing(600, usize::MAX, None).expect("no error"));
    }
}
