//! Naming policies: how an output is called.

use crate::{Description, Error, Parameters, Request};

/// A plugin that names outputs. Export it with [`export_naming!`](crate::export_naming).
///
/// ```
/// use filmgate_plugin::{Description, Error, Naming, Parameters, Request};
///
/// /// `clip-0001.mp4`, `clip-0002.mp4` …
/// struct Counted;
///
/// impl Naming for Counted {
///     fn describe() -> Description {
///         Description::new("counted", env!("CARGO_PKG_VERSION"), "numbers the outputs")
///     }
///
///     fn configure(_parameters: &Parameters) -> Result<Self, Error> {
///         Ok(Counted)
///     }
///
///     fn name(&mut self, what: &Request) -> Result<String, Error> {
///         let number = what.index + u64::from(what.attempt) + 1;
///         Ok(format!("clip-{number:04}.{}", what.extension))
///     }
/// }
///
/// filmgate_plugin::export_naming!(Counted);
/// ```
pub trait Naming: Sized + 'static {
    /// What the policy is called and does. Always answers the same.
    fn describe() -> Description;

    /// Called once, before anything is named.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for what a parameter's description could not rule out.
    fn configure(parameters: &Parameters) -> Result<Self, Error>;

    /// A name below the output folder, with its extension: one path component of at most 255
    /// bytes, without NUL, not `.` or `..`; several, with `/` between them, where the request says
    /// `folders`. The host asks again, with a higher `attempt`, while the name is already taken.
    ///
    /// # Errors
    /// Ends the job.
    fn name(&mut self, what: &Request) -> Result<String, Error>;
}

/// Makes a component's exports of a type that implements [`Naming`]. Once in a crate.
#[macro_export]
macro_rules! export_naming {
    ($naming:ty) => {
        const _: fn() = || {
            fn implements_naming<T: $crate::Naming>() {}
            implements_naming::<$naming>();
        };

        #[cfg(target_arch = "wasm32")]
        const _: () = {
            use $crate::__private::naming::exports::filmgate::plugin::naming as contract;
            use $crate::__private::naming_glue as glue;

            ::std::thread_local! {
                static SLOT: $crate::__private::Slot<$naming> =
                    const { $crate::__private::Slot::empty() };
            }

            struct Exported;

            impl contract::Guest for Exported {
                fn describe() -> contract::Description {
                    glue::describe::<$naming>()
                }

                fn configure(
                    parameters: ::std::vec::Vec<contract::Property>,
                ) -> ::core::result::Result<(), contract::Error> {
                    SLOT.with(|slot| glue::configure(slot, parameters))
                }

                fn name(
                    what: contract::Request,
                ) -> ::core::result::Result<::std::string::String, contract::Error> {
                    SLOT.with(|slot| glue::name(slot, &what))
                }
            }

            $crate::__private::naming::__export_naming_world!(
                Exported with_types_in $crate::__private::naming
            );
        };
    };
}

/// What stands between the exported functions and the trait.
#[allow(missing_docs)]
pub mod glue {
    use super::{Error, Naming, Request};
    use crate::Property;
    use crate::bindings::filter::filmgate::plugin::types;
    use crate::log::report_panics;
    use crate::slot::Slot;

    pub fn describe<T: Naming>() -> types::Description {
        report_panics();
        T::describe().0
    }

    pub fn configure<T: Naming>(slot: &Slot<T>, parameters: Vec<Property>) -> Result<(), Error> {
        report_panics();
        slot.fill(T::configure(&parameters.into())?);
        Ok(())
    }

    pub fn name<T: Naming>(slot: &Slot<T>, what: &Request) -> Result<String, Error> {
        slot.with(|naming| naming.name(what))
    }
}
