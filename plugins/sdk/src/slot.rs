//! Where the exported functions keep the plugin between calls.

use std::cell::RefCell;

use crate::Error;

/// Holds a configured plugin. The component model calls an instance from one thread and never
/// while a call is under way, so the borrow cannot fail.
pub struct Slot<T>(RefCell<Option<T>>);

impl<T> Slot<T> {
    /// Before `configure`.
    pub const fn empty() -> Slot<T> {
        Slot(RefCell::new(None))
    }

    pub(crate) fn fill(&self, plugin: T) {
        *self.0.borrow_mut() = Some(plugin);
    }

    pub(crate) fn with<R>(
        &self,
        call: impl FnOnce(&mut T) -> Result<R, Error>,
    ) -> Result<R, Error> {
        match self.0.borrow_mut().as_mut() {
            Some(plugin) => call(plugin),
            None => Err(Error::failed("the host called the plugin before configuring it")),
        }
    }
}
