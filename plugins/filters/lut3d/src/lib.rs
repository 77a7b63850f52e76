//! The lut3d filter: colours looked up in a `.cube` file, between whose entries is interpolated.

mod apply;
mod cube;
mod grid;

use cube::Cube;
use filmgate_plugin::{
    ColorTables, Description, Error, Filter, FilterDescription, Frame, Parameter, Parameters,
    PixelFormat, PlaneLayout, StreamInfo, export_filter,
};
use grid::{Grid, Wide};

struct Lut3d {
    plane: PlaneLayout,
    table: Table,
}

/// How a colour is found.
enum Table {
    /// A table for each of red, green and blue.
    Channels(ColorTables),
    /// Entries for colours as a whole, at 8 bits.
    Grid { grid: Grid, tetrahedral: bool, alpha: bool },
    /// The same at 16 bits.
    Wide { grid: Wide, tetrahedral: bool },
}

impl Filter for Lut3d {
    fn describe() -> FilterDescription {
        let about = Description::new(
            "lut3d",
            env!("CARGO_PKG_VERSION"),
            "looks colours up in a .cube file with a 1D or 3D table",
        )
        .license(env!("CARGO_PKG_LICENSE"))
        .homepage(env!("CARGO_PKG_REPOSITORY"))
        .parameter(
            Parameter::file("file", "a .cube file, as DaVinci Resolve and others write it")
                .required(),
        )
        .parameter(
            Parameter::choice(
                "interpolation",
                "how the entries round a colour are weighed in a 3D table",
                ["tetrahedral", "trilinear"],
            )
            .default("tetrahedral"),
        );
        let formats = [PixelFormat::Rgb24, PixelFormat::Rgba, PixelFormat::Rgb48];
        FilterDescription::parallel(about, formats)
    }

    fn configure(input: &StreamInfo, parameters: &Parameters) -> Result<Self, Error> {
        let layout = input.layout()?;
        let (plane, format) = (layout.plane(0), layout.format);
        let cube = Cube::read(parameters.file("file")?).map_err(|e| Error::parameter("file", e))?;
        let tetrahedral = parameters.choice("interpolation")? == "tetrahedral";
        let table = if cube.dimensions == 1 {
            let tables = std::array::from_fn(|channel| cube.table(channel, format.bits()));
            Table::Channels(ColorTables::new(tables, format))
        } else if format.bits() > 8 {
            Table::Wide { grid: Wide::new(cube), tetrahedral }
        } else {
            let alpha = format == PixelFormat::Rgba;
            Table::Grid { grid: Grid::new(&cube), tetrahedral, alpha }
        };
        Ok(Lut3d { plane, table })
    }

    fn process(&mut self, mut frame: Frame) -> Result<Vec<Frame>, Error> {
        frame.edit_bands(0, &self.plane, 0, |band| self.table.apply(band.samples));
        Ok(frame.into())
    }
}

impl Table {
    /// Changes packed samples.
    fn apply(&self, samples: &mut [u8]) {
        match self {
            Table::Channels(tables) => tables.apply(samples),
            Table::Wide { grid, tetrahedral } => grid.apply(samples, *tetrahedral),
            Table::Grid { grid, tetrahedral: true, alpha: false } => {
                apply::tetrahedral::<3>(grid, samples);
            }
            Table::Grid { grid, tetrahedral: true, alpha: true } => {
                apply::tetrahedral::<4>(grid, samples);
            }
            Table::Grid { grid, tetrahedral: false, alpha: false } => {
                apply::trilinear::<3>(grid, samples);
            }
            Table::Grid { grid, tetrahedral: false, alpha: true } => {
                apply::trilinear::<4>(grid, samples);
            }
        }
    }
}

export_filter!(Lut3d);
