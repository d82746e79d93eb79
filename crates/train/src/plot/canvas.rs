//! What pictures are drawn on: SVG, or pixels with text.
//!
//! Text is set here, with the metrics of one font, for both: plotters' own ways need a system's fonts or a registry
//! that all of a program shares.

use std::convert::Infallible;
use std::path::Path;
use std::sync::LazyLock;

use ab_glyph::{Font, FontRef, PxScale, ScaleFont, point};
use plotters::coord::Shift;
use plotters::prelude::{BitMapBackend, DrawingArea, IntoDrawingArea, SVGBackend};
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind};
use wengert_tensor::{Error, Result};

use crate::atomic::write_atomically;
use crate::png::Pixels;

/// What is drawn on.
pub type Area<'a> = DrawingArea<Canvas<'a>, Shift>;

/// The mistakes of drawing; a canvas in memory has none of its own.
pub type Mistake = plotters::drawing::DrawingAreaErrorKind<Infallible>;

/// Draws a picture of that size and writes it to `path`, as its extension says.
pub fn picture(
    path: &Path,
    (width, height): (u32, u32),
    draw: impl FnOnce(&Area<'_>) -> std::result::Result<(), Mistake>,
) -> Result<()> {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
    let finish = |canvas: Canvas<'_>| {
        let area = canvas.into_drawing_area();
        area.fill(&plotters::style::WHITE).and_then(|()| draw(&area)).and_then(|()| area.present())
    };
    let failed = |e: Mistake| Error::value(format!("plot {}: {e}", path.display()));
    let file = match &*extension {
        "svg" => {
            let mut text = String::new();
            finish(Canvas::Svg(SVGBackend::with_string(&mut text, (width, height)))).map_err(failed)?;
            text.into_bytes()
        }
        "png" => {
            let mut bytes = vec![0; width as usize * height as usize * 3];
            finish(Canvas::Png(BitMapBackend::with_buffer(&mut bytes, (width, height)))).map_err(failed)?;
            Pixels { width, height, channels: 3, bytes }.png()?
        }
        _ => {
            let why = format!("plot {}: the extension must be .png or .svg", path.display());
            return Err(Error::value(why));
        }
    };
    write_atomically(path, |out| out.write_all(&file))
}

/// The font, if it can be read; it is part of the program.
static FONT: LazyLock<Option<FontRef<'static>>> = LazyLock::new(|| FontRef::try_from_slice(notosans::REGULAR_TTF).ok());

/// A string with a place for each of its letters.
struct Line {
    glyphs: Vec<ab_glyph::Glyph>,
    width: f32,
    ascent: f32,
    height: f32,
}

/// Sets `text` in letters of `size` pixels from the highest to the lowest line, as plotters counts.
fn set(font: &FontRef<'static>, text: &str, size: f64) -> Line {
    let font = font.as_scaled(PxScale::from(size as f32));
    let (mut x, mut last, mut glyphs) = (0.0, None, Vec::new());
    for letter in text.chars() {
        let id = font.glyph_id(letter);
        x += last.map_or(0.0, |last| font.kern(last, id));
        glyphs.push(id.with_scale_and_position(font.scale(), point(x, font.ascent())));
        x += font.h_advance(id);
        last = Some(id);
    }
    Line { glyphs, width: x, ascent: font.ascent(), height: font.height() }
}

/// Either kind of picture.
pub enum Canvas<'a> {
    Svg(SVGBackend<'a>),
    Png(BitMapBackend<'a>),
}

type Drawn = std::result::Result<(), DrawingErrorKind<Infallible>>;

/// Calls the same method of either, whose own mistakes become sentences.
macro_rules! either {
    ($self:ident, $canvas:ident => $call:expr) => {
        match $self {
            Self::Svg($canvas) => $call.map_err(sentence),
            Self::Png($canvas) => $call.map_err(sentence),
        }
    };
}

fn sentence<E: std::error::Error + Send + Sync>(e: DrawingErrorKind<E>) -> DrawingErrorKind<Infallible> {
    DrawingErrorKind::FontError(e.to_string().into())
}

impl DrawingBackend for Canvas<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        match self {
            Self::Svg(canvas) => canvas.get_size(),
            Self::Png(canvas) => canvas.get_size(),
        }
    }

    fn ensure_prepared(&mut self) -> Drawn {
        either!(self, canvas => canvas.ensure_prepared())
    }

    fn present(&mut self) -> Drawn {
        either!(self, canvas => canvas.present())
    }

    fn draw_pixel(&mut self, at: BackendCoord, color: BackendColor) -> Drawn {
        either!(self, canvas => canvas.draw_pixel(at, color))
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        either!(self, canvas => canvas.draw_line(from, to, style))
    }

    fn draw_rect<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S, fill: bool) -> Drawn {
        either!(self, canvas => canvas.draw_rect(from, to, style, fill))
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Drawn {
        either!(self, canvas => canvas.draw_path(path, style))
    }

    fn draw_circle<S: BackendStyle>(&mut self, center: BackendCoord, radius: u32, style: &S, fill: bool) -> Drawn {
        either!(self, canvas => canvas.draw_circle(center, radius, style, fill))
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Drawn {
        either!(self, canvas => canvas.fill_polygon(path, style))
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, at: BackendCoord) -> Drawn {
        let (font, canvas) = match (FONT.as_ref(), self) {
            (Some(font), Self::Png(canvas)) => (font, canvas),
            (_, Self::Svg(canvas)) => return canvas.draw_text(text, style, at).map_err(sentence),
            (None, Self::Png(_)) => return Ok(()),
        };
        let line = set(font, text, style.size());
        let left = match style.anchor().h_pos {
            HPos::Left => 0.0,
            HPos::Center => -line.width / 2.0,
            HPos::Right => -line.width,
        };
        let top = match style.anchor().v_pos {
            VPos::Top => 0.0,
            VPos::Center => -line.height / 2.0,
            VPos::Bottom => -line.ascent,
        };
        let (turn, color, (width, height)) = (style.transform(), style.color(), canvas.get_size());
        for glyph in line.glyphs {
            let Some(outline) = font.outline_glyph(glyph) else { continue };
            let bounds = outline.px_bounds();
            let mut drawn = Ok(());
            outline.draw(|x, y, covered| {
                let x = (left + bounds.min.x).round() as i32 + x as i32;
                let y = (top + bounds.min.y).round() as i32 + y as i32;
                let (x, y) = turn.transform(x, y);
                let (x, y) = (at.0 + x, at.1 + y);
                let inside = (0..width as i32).contains(&x) && (0..height as i32).contains(&y);
                if drawn.is_ok() && inside && covered > 0.0 {
                    let alpha = color.alpha * f64::from(covered.min(1.0));
                    drawn = canvas.draw_pixel((x, y), BackendColor { alpha, ..color });
                }
            });
            drawn.map_err(sentence)?;
        }
        Ok(())
    }

    fn estimate_text_size<S: BackendTextStyle>(
        &self,
        text: &str,
        style: &S,
    ) -> std::result::Result<(u32, u32), DrawingErrorKind<Infallible>> {
        let Some(font) = FONT.as_ref() else { return Ok((0, 0)) };
        let line = set(font, text, style.size());
        Ok((line.width.ceil() as u32, line.height.ceil() as u32))
    }
}
