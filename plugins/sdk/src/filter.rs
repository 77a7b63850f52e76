//! Filters: pictures in, pictures out.

use crate::{Error, FilterDescription, Frame, Parameters, StreamInfo};

/// A plugin that changes, drops, makes or tags pictures. Export it with
/// [`export_filter!`](crate::export_filter).
pub trait Filter: Sized + 'static {
    /// What the filter is called, does and takes. Always answers the same.
    fn describe() -> FilterDescription;

    /// Called once on each instance, before any picture.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for what a parameter's description could not rule out,
    /// [`Error::Unsupported`] for an input that the filter cannot work with.
    fn configure(input: &StreamInfo, parameters: &Parameters) -> Result<Self, Error>;

    /// What will come out: the input itself for a filter that keeps size, format and rate.
    fn output(&self, input: StreamInfo) -> StreamInfo {
        input
    }

    /// One picture, in the order of the stream. The answer holds no, one or many frames, with the
    /// size and format of [`output`](Filter::output): the input, changed or not, clones of it, frames
    /// [`like`](Frame::like) one, new frames, frames kept from before. Timestamps rise from frame to
    /// frame, across calls and [`flush`](Filter::flush), and numbers do not fall. A frame that is
    /// neither answered nor kept is dropped, on purpose.
    ///
    /// # Errors
    /// Ends the job, unless the user wants failing plugins to be passed by.
    fn process(&mut self, frame: Frame) -> Result<Vec<Frame>, Error>;

    /// The stream has ended: what was kept comes out now. Called once, and only where the filter
    /// is `serial`.
    ///
    /// # Errors
    /// As [`process`](Filter::process).
    fn flush(&mut self) -> Result<Vec<Frame>, Error> {
        Ok(Vec::new())
    }
}

/// A filter that takes other parameters while it is at work. Export it with
/// [`export_filter!(Type, live)`](crate::export_filter). Of a filter that is none, the host makes
/// another instance, which remembers nothing; that is all that a parallel one needs.
pub trait Live: Filter {
    /// Goes on with other parameters, which hold from the next frame on. Frames that are kept stay.
    /// Size, format and rate of what comes out stay as they are.
    ///
    /// # Errors
    /// They leave everything as it was. [`Error::Unsupported`] has the host make another instance.
    fn reconfigure(&mut self, parameters: &Parameters) -> Result<(), Error>;
}

/// Makes a component's exports of a type that implements [`Filter`], and, with `live` behind it,
/// [`Live`]. Once in a crate.
#[macro_export]
macro_rules! export_filter {
    ($filter:ty) => {
        $crate::export_filter!(@ $filter, {});
    };
    ($filter:ty, live) => {
        const _: fn() = || {
            fn implements_live<T: $crate::Live>() {}
            implements_live::<$filter>();
        };

        $crate::export_filter!(@ $filter, {
            use $crate::__private::live::exports::filmgate::plugin::live;

            impl live::Guest for Exported {
                fn reconfigure(
                    parameters: ::std::vec::Vec<live::Property>,
                ) -> ::core::result::Result<(), live::Error> {
                    SLOT.with(|slot| glue::reconfigure(slot, parameters))
                }
            }

            $crate::__private::live::__export_live_world!(
                Exported with_types_in $crate::__private::live
            );
        });
    };
    (@ $filter:ty, { $($live:tt)* }) => {
        const _: fn() = || {
            fn implements_filter<T: $crate::Filter>() {}
            implements_filter::<$filter>();
        };

        #[cfg(target_arch = "wasm32")]
        const _: () = {
            use $crate::__private::filter::exports::filmgate::plugin::filter as contract;
            use $crate::__private::filter_glue as glue;

            ::std::thread_local! {
                static SLOT: $crate::__private::Slot<$filter> =
                    const { $crate::__private::Slot::empty() };
            }

            struct Exported;

            impl contract::Guest for Exported {
                fn describe() -> contract::FilterDescription {
                    glue::describe::<$filter>()
                }

                fn configure(
                    input: contract::StreamInfo,
                    parameters: ::std::vec::Vec<contract::Property>,
                ) -> ::core::result::Result<contract::StreamInfo, contract::Error> {
                    SLOT.with(|slot| glue::configure(slot, input, parameters))
                }

                fn process(
                    input: contract::Frame,
                ) -> ::core::result::Result<::std::vec::Vec<contract::Frame>, contract::Error>
                {
                    SLOT.with(|slot| glue::process(slot, input))
                }

                fn flush()
                -> ::core::result::Result<::std::vec::Vec<contract::Frame>, contract::Error>
                {
                    SLOT.with(glue::flush)
                }
            }

            $crate::__private::filter::__export_filter_world!(
                Exported with_types_in $crate::__private::filter
            );

            $($live)*
        };
    };
}

/// What stands between the exported functions and the trait.
#[cfg(target_arch = "wasm32")]
#[allow(missing_docs)]
pub mod glue {
    use super::{Error, Filter, Frame, Live, StreamInfo};
    use crate::Property;
    use crate::bindings::filter::exports::filmgate::plugin::filter::FilterDescription;
    use crate::bindings::filter::filmgate::plugin::frames;
    use crate::log::report_panics;
    use crate::slot::Slot;

    pub fn describe<T: Filter>() -> FilterDescription {
        report_panics();
        T::describe().into_host()
    }

    pub fn configure<T: Filter>(
        slot: &Slot<T>,
        input: StreamInfo,
        parameters: Vec<Property>,
    ) -> Result<StreamInfo, Error> {
        report_panics();
        let filter = T::configure(&input, &parameters.into())?;
        let output = filter.output(input);
        slot.fill(filter);
        Ok(output)
    }

    pub fn reconfigure<T: Live>(slot: &Slot<T>, parameters: Vec<Property>) -> Result<(), Error> {
        slot.with(|filter| filter.reconfigure(&parameters.into()))
    }

    pub fn process<T: Filter>(
        slot: &Slot<T>,
        frame: frames::Frame,
    ) -> Result<Vec<frames::Frame>, Error> {
        slot.with(|filter| filter.process(Frame::from_host(frame))).map(into_host)
    }

    pub fn flush<T: Filter>(slot: &Slot<T>) -> Result<Vec<frames::Frame>, Error> {
        slot.with(Filter::flush).map(into_host)
    }

    fn into_host(frames: Vec<Frame>) -> Vec<frames::Frame> {
        frames.into_iter().map(Frame::into_host).collect()
    }
}
