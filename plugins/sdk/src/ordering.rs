//! Ordering policies: in which order files are joined or worked through.

use crate::{Description, Error, Item, Parameters, Placement};

/// A plugin that puts files in order. Export it with
/// [`export_ordering!`](crate::export_ordering).
///
/// ```
/// use filmgate_plugin::{Description, Error, Item, Ordering, Parameters, Placement};
///
/// /// The oldest file first.
/// struct Oldest;
///
/// impl Ordering for Oldest {
///     fn describe() -> Description {
///         Description::new("oldest", env!("CARGO_PKG_VERSION"), "puts the oldest file first")
///     }
///
///     fn configure(_parameters: &Parameters) -> Result<Self, Error> {
///         Ok(Oldest)
///     }
///
///     fn order(&mut self, items: &[Item]) -> Result<Vec<Placement>, Error> {
///         let mut order: Vec<usize> = (0..items.len()).collect();
///         order.sort_by_key(|&item| items[item].modified);
///         Ok(order
///             .into_iter()
///             .map(|item| Placement {
///                 item: item as u32,
///                 reason: format!("changed {} s after 1970", items[item].modified / 1_000_000),
///             })
///             .collect())
///     }
/// }
///
/// filmgate_plugin::export_ordering!(Oldest);
/// ```
pub trait Ordering: Sized + 'static {
    /// What the policy is called and does. Always answers the same.
    fn describe() -> Description;

    /// Called once, before anything is ordered.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for what a parameter's description could not rule out.
    fn configure(parameters: &Parameters) -> Result<Self, Error>;

    /// Every item once, the first to come first, each with the reason for its place.
    ///
    /// # Errors
    /// Ends the job.
    fn order(&mut self, items: &[Item]) -> Result<Vec<Placement>, Error>;
}

/// Makes a component's exports of a type that implements [`Ordering`]. Once in a crate.
#[macro_export]
macro_rules! export_ordering {
    ($ordering:ty) => {
        const _: fn() = || {
            fn implements_ordering<T: $crate::Ordering>() {}
            implements_ordering::<$ordering>();
        };

        #[cfg(target_arch = "wasm32")]
        const _: () = {
            use $crate::__private::ordering::exports::filmgate::plugin::ordering as contract;
            use $crate::__private::ordering_glue as glue;

            ::std::thread_local! {
                static SLOT: $crate::__private::Slot<$ordering> =
                    const { $crate::__private::Slot::empty() };
            }

            struct Exported;

            impl contract::Guest for Exported {
                fn describe() -> contract::Description {
                    glue::describe::<$ordering>()
                }

                fn configure(
                    parameters: ::std::vec::Vec<contract::Property>,
                ) -> ::core::result::Result<(), contract::Error> {
                    SLOT.with(|slot| glue::configure(slot, parameters))
                }

                fn order(
                    items: ::std::vec::Vec<contract::Item>,
                ) -> ::core::result::Result<::std::vec::Vec<contract::Placement>, contract::Error>
                {
                    SLOT.with(|slot| glue::order(slot, &items))
                }
            }

            $crate::__private::ordering::__export_ordering_world!(
                Exported with_types_in $crate::__private::ordering
            );
        };
    };
}

/// What stands between the exported functions and the trait.
#[allow(missing_docs)]
pub mod glue {
    use super::{Error, Item, Ordering, Placement};
    use crate::Property;
    use crate::bindings::filter::filmgate::plugin::types;
    use crate::log::report_panics;
    use crate::slot::Slot;

    pub fn describe<T: Ordering>() -> types::Description {
        report_panics();
        T::describe().0
    }

    pub fn configure<T: Ordering>(slot: &Slot<T>, parameters: Vec<Property>) -> Result<(), Error> {
        report_panics();
        slot.fill(T::configure(&parameters.into())?);
        Ok(())
    }

    pub fn order<T: Ordering>(slot: &Slot<T>, items: &[Item]) -> Result<Vec<Placement>, Error> {
        slot.with(|ordering| ordering.order(items))
    }
}
