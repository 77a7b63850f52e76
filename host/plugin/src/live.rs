//! The interface `live`, which a filter may export.

use wasmtime::Store;
use wasmtime::component::{Instance as Component, TypedFunc};

use super::bindings::types::{Error, Property};
use super::guest::Guest;

type Reconfigure = TypedFunc<(Vec<Property>,), (Result<(), Error>,)>;

/// The function that takes other parameters, of a filter that has one.
#[derive(Clone, Copy)]
pub(super) struct Live(pub(super) Reconfigure);

impl Live {
    /// # Errors
    /// Where it has one of another type.
    pub(super) fn of(
        instance: &Component,
        store: &mut Store<Guest>,
    ) -> wasmtime::Result<Option<Live>> {
        let Some(interface) =
            instance.get_export_index(&mut *store, None, "filmgate:plugin/live@0.1.0")
        else {
            return Ok(None);
        };
        let function = instance.get_export_index(&mut *store, Some(&interface), "reconfigure");
        let function =
            function.ok_or_else(|| wasmtime::format_err!("`live` has no `reconfigure`"))?;
        Ok(Some(Live(instance.get_typed_func(&mut *store, function)?)))
    }
}
