//! Confusion matrices as coloured tables.

use std::path::Path;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use wengert_tensor::{Error, Result};

use super::canvas::picture;
use super::colors::mix;
use crate::metric::ConfusionMatrix;

/// Classes beyond which a table is too large to look at.
const MOST: usize = 64;

impl ConfusionMatrix {
    /// Draws the matrix as a table, PNG or SVG by the file's extension: the darker a field, the larger the part of its row's true
    /// class that was predicted to be of its column's class.
    ///
    /// # Errors
    /// [`ErrorKind::Value`](wengert_tensor::ErrorKind::Value) for another extension and more than 64 classes;
    /// [`ErrorKind::File`](wengert_tensor::ErrorKind::File) where the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let (path, n) = (path.as_ref(), self.classes());
        if n > MOST {
            return Err(Error::value(format!("plot {}: {n} classes are more than {MOST}", path.display())));
        }
        let longest = (0..n).map(|class| self.label(class).chars().count()).max().unwrap_or(0).min(24) as i32;
        let (left, top, side) = (60 + 9 * longest, 60, if n > 20 { 32 } else { 52 });
        let size = side * n as i32;
        let middle = |i: usize| side * i as i32 + side / 2;
        let centered = Pos::new(HPos::Center, VPos::Center);
        picture(path, ((left + size + 24) as u32, (top + size + 24) as u32), |area| {
            area.draw(&Text::new("predicted", (left + size / 2, 18), text(18, &BLACK).pos(centered)))?;
            let turned = ("sans-serif", 18).into_text_style(area).transform(FontTransform::Rotate270).pos(centered);
            area.draw(&Text::new("true", (18, top + size / 2), turned))?;
            for row in 0..n {
                let beside = text(16, &BLACK).pos(Pos::new(HPos::Right, VPos::Center));
                area.draw(&Text::new(self.label(row), (left - 8, top + middle(row)), beside))?;
                let above = text(16, &BLACK).pos(centered);
                area.draw(&Text::new(self.label(row), (left + middle(row), top - 14), above))?;
                for column in 0..n {
                    let count = self.count(row, column);
                    let part = count as f64 / self.support(row).max(1) as f64;
                    let corner = (left + side * column as i32, top + side * row as i32);
                    let field = [corner, (corner.0 + side, corner.1 + side)];
                    area.draw(&Rectangle::new(field, mix(WHITE, RGBColor(8, 64, 129), part).filled()))?;
                    area.draw(&Rectangle::new(field, RGBColor(210, 210, 210)))?;
                    let ink = if part > 0.5 { &WHITE } else { &BLACK };
                    let place = (left + middle(column), top + middle(row));
                    area.draw(&Text::new(
                        count.to_string(),
                        place,
                        text(if side > 40 { 16 } else { 12 }, ink).pos(centered),
                    ))?;
                }
            }
            Ok(())
        })
    }
}

fn text(size: i32, color: &RGBColor) -> TextStyle<'_> {
    TextStyle::from(("sans-serif", size)).color(color)
}
