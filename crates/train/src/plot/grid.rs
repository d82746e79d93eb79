//! Many small pictures beside one another: images, or the weights of a layer.

use std::path::Path;

use plotters::prelude::*;
use wengert_tensor::{DType, Error, Result, Tensor};

use super::canvas::picture;
use super::colors::{diverging, mix};

/// How numbers become colours in [`image_grid`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shades {
    /// From 0, black, to 1, white; three channels are red, green and blue.
    Image,
    /// White at 0, red above and blue below, with the largest absolute number of all in full colour: for weights.
    Signed,
}

/// Draws pictures in rows, `columns` in each; PNG or SVG by the file's extension.
///
/// `images` are floats `[n, height, width]` or `[n, channels, height, width]` with 1 or 3 channels; with [`Shades::Signed`] any
/// number of channels, of which each is a picture of its own. NaN is black in an image and grey among weights.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("weights.png");
/// use wengert_tensor::{DType, Rng, Tensor};
/// use wengert_train::{Shades, image_grid};
/// let weights = Tensor::randn([16, 8, 8], DType::F32, &mut Rng::seed(1))?;
/// image_grid(&path, &weights, 4, Shades::Signed)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`ErrorKind::Shape`](wengert_tensor::ErrorKind::Shape) and [`ErrorKind::DType`](wengert_tensor::ErrorKind::DType) where the tensor is of
/// another kind or the picture would have more than 16 million fields;
/// [`ErrorKind::Value`](wengert_tensor::ErrorKind::Value) for no columns and another extension;
/// [`ErrorKind::File`](wengert_tensor::ErrorKind::File) where the file cannot be written.
pub fn image_grid(path: impl AsRef<Path>, images: &Tensor, columns: usize, shades: Shades) -> Result<()> {
    let shape = images.shape();
    let (n, channels, height, width) = match (&shape[..], shades) {
        (&[n, height, width], _) => (n, 1, height, width),
        (&[n, channels @ (1 | 3), height, width], Shades::Image) => (n, channels, height, width),
        (&[n, channels, height, width], Shades::Signed) => (n * channels, 1, height, width),
        _ => {
            let wants = "[n, height, width] or [n, channels, height, width] with 1 or 3 channels";
            return Err(Error::shape(format!("image grid: images have shape {wants}, not {shape}")));
        }
    };
    if !images.dtype().is_float() {
        return Err(Error::dtype(format!("image grid: images are floats, not {}", images.dtype())));
    }
    if columns == 0 {
        return Err(Error::value("image grid: there must be at least one column"));
    }
    let columns = columns.min(n.max(1));
    // A field of space between pictures; each field is some pixels.
    let fields = |count: usize, size: usize| count.checked_mul(size.checked_add(1)?)?.checked_add(1);
    let (across, down) = match (fields(columns, width), fields(n.div_ceil(columns), height)) {
        (Some(across), Some(down)) if n * height * width > 0 && across.saturating_mul(down) <= 1 << 24 => {
            (across, down)
        }
        _ => return Err(Error::shape(format!("image grid: {shape} is too many fields, or none, to draw"))),
    };
    let scale = (960 / across.max(down)).clamp(1, 16);
    let numbers = images.cast(DType::F64)?.to_vec::<f64>()?;
    let most = numbers.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
    let area_of_one = height * width;
    let color = |picture: usize, place: usize| {
        let at = |channel: usize| numbers[(picture * channels + channel) * area_of_one + place];
        match shades {
            Shades::Signed => diverging(if most > 0.0 { at(0) / most } else { at(0) }),
            Shades::Image if channels == 1 => mix(BLACK, WHITE, at(0)),
            Shades::Image => {
                RGBColor(mix(BLACK, WHITE, at(0)).0, mix(BLACK, WHITE, at(1)).0, mix(BLACK, WHITE, at(2)).0)
            }
        }
    };
    picture(path.as_ref(), ((across * scale) as u32, (down * scale) as u32), |area| {
        area.fill(&RGBColor(225, 225, 225))?;
        for i in 0..n * area_of_one {
            let (picture, place) = (i / area_of_one, i % area_of_one);
            let x = (picture % columns * (width + 1) + 1 + place % width) * scale;
            let y = (picture / columns * (height + 1) + 1 + place / width) * scale;
            // The last corner is outside, in both formats.
            let corners = [(x as i32, y as i32), ((x + scale) as i32, (y + scale) as i32)];
            area.draw(&Rectangle::new(corners, color(picture, place).filled()))?;
        }
        Ok(())
    })
}
