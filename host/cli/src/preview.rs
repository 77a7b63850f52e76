//! Pictures in the terminal: by the graphics of kitty, by inline images as iTerm2 has them, by
//! sixels, else by half blocks, two pixels a character.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use terminal_size::{Height, Width, terminal_size};

use filmgate_av::Converter;
use filmgate_core::frame::{Frame, PixelFormat, PlanePool, StreamInfo};
use filmgate_engine::spec::SpecError;
use filmgate_engine::{Observer, PipelineError};
use filmgate_picture::{PictureFormat, encoded};

/// Sets the way to show pictures, where it cannot be found out: through ssh, tmux or screen.
const CHOICE: &str = "FILMGATE_PREVIEW";

/// Pixels of a character where they are needed: most terminals have more.
const CELL: (u32, u32) = (8, 16);

/// What a terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Graphics {
    /// <https://sw.kovidgoyal.net/kitty/graphics-protocol>
    Kitty,
    /// <https://iterm2.com/documentation-images.html>
    Iterm,
    /// VT330/VT340 Programmer Reference Manual, volume 2, chapter 14
    Sixel,
    /// U+2580 in 24-bit colors
    Blocks,
    /// U+2580 in the 216 colors of the palette of xterm
    FewColors,
}

impl Graphics {
    /// By the environment; terminals are not asked, since an answer that comes late would be taken
    /// for input.
    fn of(variable: impl Fn(&str) -> Option<String>) -> Result<Graphics> {
        let is = |name: &str, values: &[&str]| {
            variable(name).is_some_and(|v| values.iter().any(|wanted| v == *wanted))
        };
        if let Some(choice) = variable(CHOICE).filter(|c| !c.is_empty()) {
            return Ok(match &*choice {
                "kitty" => Graphics::Kitty,
                "iterm" => Graphics::Iterm,
                "sixel" => Graphics::Sixel,
                "blocks" => Graphics::Blocks,
                other => {
                    let message =
                        format!("{CHOICE}={other}: expected kitty, iterm, sixel, or blocks");
                    return Err(SpecError::usage(message).into());
                }
            });
        }
        if is("TERM", &["dumb", ""]) || variable("TERM").is_none() {
            let message = "TERM names no terminal that shows colors; use -o FILE, or set";
            return Err(SpecError::usage(format!("--preview: {message} {CHOICE}")).into());
        }
        let term = variable("TERM").unwrap_or_default();
        // What a multiplexer passes on of graphics depends on how it is set up.
        let is_inside = variable("TMUX").is_some() || term.starts_with("screen");
        Ok(if is_inside {
            if is("COLORTERM", &["truecolor", "24bit"]) {
                Graphics::Blocks
            } else {
                Graphics::FewColors
            }
        } else if variable("KITTY_WINDOW_ID").is_some()
            || term.contains("kitty")
            || term.contains("ghostty")
            || is("TERM_PROGRAM", &["ghostty"])
        {
            Graphics::Kitty
        } else if is("TERM_PROGRAM", &["iTerm.app", "WezTerm", "mintty", "rio"]) {
            Graphics::Iterm
        } else if ["foot", "mlterm", "contour", "sixel", "yaft"].iter().any(|t| term.contains(t)) {
            Graphics::Sixel
        } else if is("COLORTERM", &["truecolor", "24bit"]) {
            Graphics::Blocks
        } else {
            Graphics::FewColors
        })
    }
}

/// A terminal that shows pictures, each in the place of the one before.
pub(super) struct Screen {
    graphics: Graphics,
    columns: u32,
    rows: u32,
    pool: PlanePool,
    converter: Option<(StreamInfo, (u32, u32), Converter)>,
    /// rows of the picture that stands there
    shown: u32,
}

impl Screen {
    /// Standard output as a screen.
    ///
    /// # Errors
    /// Where it is no terminal, or one that shows no pictures.
    pub(super) fn open() -> Result<Screen> {
        if !io::stdout().is_terminal() {
            let message = "standard output is not a terminal; use -o FILE, or -o - for a program";
            return Err(SpecError::usage(format!("--preview: {message}")).into());
        }
        let graphics = Graphics::of(|name| std::env::var(name).ok())?;
        let size = terminal_size().filter(|(Width(w), Height(h))| *w > 0 && *h > 1);
        let (Width(columns), Height(rows)) = size.unwrap_or((Width(80), Height(24)));
        Ok(Screen {
            graphics,
            columns: columns.into(),
            rows: rows.into(),
            pool: PlanePool::new(),
            converter: None,
            shown: 0,
        })
    }

    /// Shows a frame of the stream `info`, in the place of the last one.
    ///
    /// # Errors
    /// Where it cannot be converted or written.
    pub(super) fn show(&mut self, frame: &Frame, info: &StreamInfo) -> Result<()> {
        let cells = fitted((self.columns, self.rows - 1), (frame.width, frame.height));
        let pixels = match self.graphics {
            Graphics::Blocks | Graphics::FewColors => (cells.0, cells.1 * 2),
            _ => (cells.0 * CELL.0, cells.1 * CELL.1),
        };
        let small = self.scaled(frame, info, pixels)?;
        let mut out = Vec::new();
        if self.shown > 0 {
            write!(out, "\x1b[{}A\r", self.shown)?;
        }
        match self.graphics {
            Graphics::Kitty => kitty(&mut out, &rgb(&small)?, pixels, cells)?,
            Graphics::Iterm => iterm(&mut out, &small, cells)?,
            Graphics::Sixel => sixel(&mut out, &rgb(&small)?, pixels.0)?,
            Graphics::Blocks => blocks(&mut out, &rgb(&small)?, pixels.0, true)?,
            Graphics::FewColors => blocks(&mut out, &rgb(&small)?, pixels.0, false)?,
        }
        self.shown = cells.1;
        let mut stdout = io::stdout().lock();
        stdout.write_all(&out).and_then(|()| stdout.flush()).context("--preview")
    }

    fn scaled(&mut self, frame: &Frame, info: &StreamInfo, size: (u32, u32)) -> Result<Frame> {
        let own = StreamInfo {
            format: frame.format,
            width: frame.width,
            height: frame.height,
            ..info.clone()
        };
        let is_same =
            |(known, to, _): &(StreamInfo, (u32, u32), Converter)| *known == own && *to == size;
        if !self.converter.as_ref().is_some_and(is_same) {
            let converter = Converter::new(&own, PixelFormat::Rgb24, size.0, size.1)?;
            self.converter = Some((own, size, converter));
        }
        let Some((_, _, converter)) = &mut self.converter else { bail!("--preview: no converter") };
        Ok(converter.convert(frame, &self.pool)?)
    }
}

/// Shows the frames of a running job, at most five a second.
pub(super) fn observer(mut screen: Screen, info: StreamInfo) -> Observer {
    let mut next = Instant::now();
    Box::new(move |frame| {
        if Instant::now() < next {
            return Ok(());
        }
        next = Instant::now() + Duration::from_millis(200);
        screen.show(frame, &info).map_err(|e| PipelineError::System(format!("{e:#}")))
    })
}

/// Columns and rows of characters, twice as high as wide, that hold a picture with its aspect.
fn fitted(most: (u32, u32), size: (u32, u32)) -> (u32, u32) {
    let (width, height) = (f64::from(size.0.max(1)), f64::from(size.1.max(1)));
    let rows = (f64::from(most.0) * height / width / 2.0).round();
    if rows <= f64::from(most.1) {
        return (most.0.max(1), (rows as u32).max(1));
    }
    let columns = (f64::from(most.1) * 2.0 * width / height).round();
    ((columns as u32).clamp(1, most.0.max(1)), most.1.max(1))
}

/// The samples of an rgb24 frame, without gaps between rows.
fn rgb(frame: &Frame) -> Result<Vec<u8>> {
    let plane = frame.planes.first().context("a frame has a plane")?;
    Ok(plane.rows().flatten().copied().collect())
}

fn kitty(out: &mut Vec<u8>, rgb: &[u8], size: (u32, u32), cells: (u32, u32)) -> Result<()> {
    let text = STANDARD.encode(rgb);
    let mut chunks = text.as_bytes().chunks(4096).peekable();
    // One image and placement, which each picture replaces; no answers.
    let mut keys =
        format!("a=T,q=2,f=24,i=1,p=1,s={},v={},c={},r={},C=1,", size.0, size.1, cells.0, cells.1);
    while let Some(chunk) = chunks.next() {
        let more = u8::from(chunks.peek().is_some());
        write!(out, "\x1b_G{keys}m={more};")?;
        out.extend_from_slice(chunk);
        out.extend_from_slice(b"\x1b\\");
        keys.clear();
    }
    out.extend(std::iter::repeat_n(b'\n', cells.1 as usize));
    Ok(())
}

fn iterm(out: &mut Vec<u8>, frame: &Frame, cells: (u32, u32)) -> Result<()> {
    let png = encoded(frame, PictureFormat::Png, 0, std::path::Path::new("the preview"))?;
    write!(
        out,
        "\x1b]1337;File=inline=1;size={};width={};height={}:",
        png.len(),
        cells.0,
        cells.1
    )?;
    out.extend_from_slice(STANDARD.encode(&png).as_bytes());
    out.extend_from_slice(b"\x07\n");
    Ok(())
}

/// The nearest color of a cube of 6 x 6 x 6.
fn cube(pixel: &[u8]) -> u8 {
    pixel.iter().fold(0, |number, level| number * 6 + ((u16::from(*level) + 25) / 51) as u8)
}

/// The nearest color of xterm's cube, whose levels are 0, 95, 135, 175, 215, and 255.
fn xterm(pixel: &[u8]) -> u16 {
    let nearest = |level: u8| match level {
        0..48 => 0,
        48..115 => 1,
        level => (u16::from(level) - 35) / 40,
    };
    pixel.iter().fold(0, |number, level| number * 6 + nearest(*level))
}

fn sixel(out: &mut Vec<u8>, rgb: &[u8], width: u32) -> Result<()> {
    let width = width.max(1) as usize;
    let colors: Vec<u8> = rgb.chunks_exact(3).map(cube).collect();
    write!(out, "\x1bPq\"1;1;{width};{}", colors.len() / width)?;
    for number in 0..216_u32 {
        let percent = |level: u32| level * 20;
        let (red, green, blue) = (number / 36, number / 6 % 6, number % 6);
        write!(out, "#{number};2;{};{};{}", percent(red), percent(green), percent(blue))?;
    }
    for band in colors.chunks(6 * width) {
        let mut used: Vec<u8> = band.to_vec();
        used.sort_unstable();
        used.dedup();
        for color in used {
            write!(out, "#{color}")?;
            let bits = |x: usize| {
                let rows = band.chunks(width).enumerate();
                let set = rows.filter(|(_, row)| row.get(x) == Some(&color));
                set.fold(0_u8, |bits, (y, _)| bits | 1 << y)
            };
            let mut x = 0;
            while x < width {
                let same = (x..width).take_while(|at| bits(*at) == bits(x)).count();
                write!(out, "!{same}{}", char::from(63 + bits(x)))?;
                x += same;
            }
            out.push(b'$');
        }
        out.push(b'-');
    }
    out.extend_from_slice(b"\x1b\\\r");
    Ok(())
}

/// An upper half block has the color of the upper pixel, and its background that of the lower.
fn blocks(out: &mut Vec<u8>, rgb: &[u8], width: u32, is_true_color: bool) -> Result<()> {
    let color = |pixel: &[u8], what: u8| match is_true_color {
        true => format!("\x1b[{what};2;{};{};{}m", pixel[0], pixel[1], pixel[2]),
        false => format!("\x1b[{what};5;{}m", 16 + xterm(pixel)),
    };
    for rows in rgb.chunks_exact(2 * 3 * width as usize) {
        let (upper, lower) = rows.split_at(rows.len() / 2);
        for (upper, lower) in upper.chunks_exact(3).zip(lower.chunks_exact(3)) {
            write!(out, "{}{}\u{2580}", color(upper, 38), color(lower, 48))?;
        }
        out.extend_from_slice(b"\x1b[0m\n");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Result<Graphics> {
        let value =
            |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        Graphics::of(value)
    }

    #[test]
    fn terminals_are_known_by_their_variables() {
        for (variables, graphics) in [
            (&[("TERM", "xterm-kitty")][..], Graphics::Kitty),
            (&[("TERM", "xterm-256color"), ("TERM_PROGRAM", "iTerm.app")], Graphics::Iterm),
            (&[("TERM", "foot")], Graphics::Sixel),
            (&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")], Graphics::Blocks),
            (&[("TERM", "xterm-256color")], Graphics::FewColors),
            (
                &[("TERM", "tmux"), ("TMUX", "/tmp/x"), ("KITTY_WINDOW_ID", "1")],
                Graphics::FewColors,
            ),
            (&[("TERM", "dumb"), (CHOICE, "sixel")], Graphics::Sixel),
        ] {
            assert_eq!(of(variables).expect("a terminal"), graphics, "{variables:?}");
        }
        assert!(of(&[]).is_err() && of(&[("TERM", "dumb")]).is_err());
        assert!(of(&[("TERM", "xterm"), (CHOICE, "crayon")]).is_err());
    }

    #[test]
    fn pictures_fit_and_keep_their_aspect() {
        assert_eq!(fitted((80, 23), (1280, 720)), (80, 23));
        assert_eq!(fitted((80, 50), (1280, 720)), (80, 23));
        assert_eq!(fitted((200, 20), (1280, 720)), (71, 20));
        assert_eq!(fitted((80, 23), (1, 16_384)), (1, 23));
        assert_eq!(fitted((80, 23), (16_384, 1)), (80, 1));
    }
}
