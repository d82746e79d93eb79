//! Images read at computed places.

use wengert_tensor::{DType, Error, Shape};

use crate::tape::Var;

/// How an image is read between its elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Interpolation {
    /// The nearest element.
    Nearest,
    /// Linear in every axis: bilinear for images, trilinear for volumes.
    Linear,
    /// The cubic convolution of four elements in every axis.
    ///
    /// R. Keys, "Cubic convolution interpolation for digital image processing" (1981), with a = -3/4.
    Cubic,
}

/// What an image is outside its edges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outside {
    /// 0.
    Zeros,
    /// As its last elements.
    Border,
    /// As in mirrors at its edges.
    Reflection,
}

/// How [`Var::grid_sample`] reads an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct GridSample {
    /// Between elements.
    pub interpolation: Interpolation,
    /// Beyond the edges.
    pub outside: Outside,
    /// Whether -1 and 1 are the centres of the outermost elements, not the edges of the image.
    pub align_corners: bool,
}

impl<'t> Var<'t> {
    /// Images [n, channels, spatial..] read at the places of a grid [n, out.., d], d the number of spatial axes: [n,
    /// channels, out..]. A place is d numbers from -1 to 1, of which the first is along the last axis; d is 1, 2 or 3.
    ///
    /// ```
    /// use wengert_autograd::{GridSample, Interpolation, Outside, Tape};
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let line = tape.input(&Tensor::from([[[10.0, 20.0, 30.0]]]));
    /// let places = tape.input(&Tensor::from([[[-1.0], [0.5]]]));
    /// let how = GridSample { interpolation: Interpolation::Linear, outside: Outside::Zeros, align_corners: true };
    /// assert_eq!(line.grid_sample(places, how).value()?, Tensor::from([[[10.0, 25.0]]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    #[doc(alias = "spatial transformer")]
    #[track_caller]
    pub fn grid_sample(self, grid: Self, how: GridSample) -> Self {
        if let Some(poisoned) = [self, grid].into_iter().find(|v| v.is_poisoned()) {
            return poisoned;
        }
        let (shape, places) = (self.shape(), grid.shape());
        let fits = (3..=5).contains(&shape.rank())
            && places.rank() == shape.rank()
            && places.first() == shape.first()
            && places.last() == Some(&(shape.rank() - 2));
        if !fits {
            let sentence = format!("grid_sample: a grid of {places} does not fit images of {shape}");
            return self.tape().error(Error::shape(sentence));
        }
        if !self.dtype().is_float() {
            return self.tape().error(Error::dtype(format!("grid_sample: takes floats, got {}", self.ty())));
        }
        if shape[2..].contains(&0) {
            return self.tape().error(Error::shape(format!("grid_sample: images of {shape} have no elements")));
        }
        let (n, channels, d) = (shape[0], shape[1], shape.rank() - 2);
        let product = |sizes: &[usize]| sizes.iter().fold(1usize, |all, &size| all.saturating_mul(size));
        let count = product(&places[1..=d]);
        let out: Shape = [n, channels].iter().chain(&places[1..=d]).copied().collect();
        let flat = self.reshape([n, channels, product(&shape[2..])]);
        let grid = grid.reshape([n, count, d]);

        // One reading for every choice of a tap in every axis: its place in the flat image, and its weight.
        let mut readings: Vec<(Option<Self>, Option<Self>)> = vec![(None, None)];
        for (axis, &size) in shape[2..].iter().enumerate() {
            let at = grid.select_axis(-1, (d - 1 - axis) as isize);
            let taps = how.taps(at, size);
            readings = readings
                .iter()
                .flat_map(|&(place, weight)| {
                    taps.iter().map(move |&(i, w)| {
                        let place = place.map_or(i, |place: Self| place * size as f64 + i);
                        (Some(place), weight.map_or(w, |weight: Self| Some(w.map_or(weight, |w| weight * w))))
                    })
                })
                .collect();
        }
        let terms = readings.into_iter().filter_map(|(place, weight)| {
            let index = place?.unsqueeze(1).broadcast_to([n, channels, count]);
            let read = flat.gather(-1, index);
            Some(weight.map_or(read, |weight| read * weight.unsqueeze(1)))
        });
        terms.reduce(|a, b| a + b).map_or(flat, |sum| sum.reshape(out))
    }
}

impl GridSample {
    /// The elements of an axis of `size` that are read at places from -1 to 1, with their weights; `None` is 1.
    #[track_caller]
    fn taps<'t>(self, at: Var<'t>, size: usize) -> Vec<(Var<'t>, Option<Var<'t>>)> {
        let n = size as f64;
        let x = match self.align_corners {
            true => (at + 1.0) * (0.5 * (n - 1.0)),
            false => (at + 1.0) * (0.5 * n) - 0.5,
        };
        match self.interpolation {
            Interpolation::Nearest => vec![self.tap(self.within(x, n).round(), n, None)],
            Interpolation::Linear => {
                let x = self.within(x, n);
                let (below, t) = (x.floor(), x - x.floor());
                vec![self.tap(below, n, Some(1.0 - t)), self.tap(below + 1.0, n, Some(t))]
            }
            Interpolation::Cubic => {
                let (below, t) = (x.floor(), x - x.floor());
                let distances = [t + 1.0, t, 1.0 - t, 2.0 - t];
                let tap =
                    |(i, distance)| self.tap(self.within(below + (i as f64 - 1.0), n), n, Some(cubic(distance, i)));
                distances.into_iter().enumerate().map(|(i, distance)| tap((i, distance))).collect()
            }
        }
    }

    /// A place along an axis, brought within the image unless what is outside is 0.
    #[track_caller]
    fn within<'t>(self, x: Var<'t>, n: f64) -> Var<'t> {
        let x = match self.outside {
            Outside::Zeros => return x,
            Outside::Border => x,
            Outside::Reflection => {
                let (low, span) = if self.align_corners { (0.0, n - 1.0) } else { (-0.5, n) };
                if span == 0.0 {
                    return x * 0.0;
                }
                let away = (x - low).abs();
                let turned = away - (away / (2.0 * span)).floor() * (2.0 * span);
                low + (span - (turned - span).abs())
            }
        };
        x.clamp(0.0, n - 1.0)
    }

    /// An element, in range, with a weight that is 0 where it was not.
    #[track_caller]
    fn tap<'t>(self, i: Var<'t>, n: f64, weight: Option<Var<'t>>) -> (Var<'t>, Option<Var<'t>>) {
        let inside = i.greater_equal(0.0).logical_and(i.less_equal(n - 1.0));
        let weight = match self.outside {
            Outside::Zeros => {
                let weight = weight.unwrap_or_else(|| i.full_like(1.0));
                Some(inside.where_(weight, 0.0))
            }
            _ => weight,
        };
        // NaN, which is nowhere, reads the first element.
        (i.clamp(0.0, n - 1.0).nan_to_num(0.0, 0.0, 0.0).cast(DType::I64), weight)
    }
}

/// The weight of tap `i` of four, at a distance that is below 1 for the middle ones and between 1 and 2 for the outer.
#[track_caller]
fn cubic(t: Var<'_>, i: usize) -> Var<'_> {
    let a = -0.75;
    match i {
        1 | 2 => ((a + 2.0) * t - (a + 3.0)) * t * t + 1.0,
        _ => ((a * t - 5.0 * a) * t + 8.0 * a) * t - 4.0 * a,
    }
}
