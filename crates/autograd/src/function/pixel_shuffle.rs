//! Channels of an image as pixels of a larger one, and back.

use wengert_tensor::{Error, Result, Shape};

use super::compose;
use crate::tape::Var;

impl<'t> Var<'t> {
    /// Images [.., c r², h, w] enlarged to [.., c, h r, w r]: r² channels become the r × r pixels in place of one.
    ///
    /// W. Shi et al., "Real-time single image and video super-resolution using an efficient sub-pixel convolutional neural
    /// network" (2016).
    ///
    /// ```
    /// use wengert_autograd::Tape;
    /// use wengert_tensor::Tensor;
    ///
    /// let tape = Tape::new();
    /// let x = tape.input(&Tensor::from([[[1.0]], [[2.0]], [[3.0]], [[4.0]]]));
    /// assert_eq!(x.pixel_shuffle(2).value()?, Tensor::from([[[1.0, 2.0], [3.0, 4.0]]]));
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// Fewer axes than three, channels that r² does not divide, an r of 0.
    #[doc(alias = "depth_to_space")]
    #[inline]
    #[track_caller]
    pub fn pixel_shuffle(self, r: usize) -> Self {
        compose("pixel_shuffle", [self], |[x]| {
            let (lead, [channels, h, w]) = image(&x.shape())?;
            let Some(c) = r.checked_mul(r).and_then(|square| divided(channels, square)) else {
                return Err(Error::shape(format!("the channels of {} are not shared by {r} x {r} pixels", x.shape())));
            };
            let (rows, columns) = (h.saturating_mul(r), w.saturating_mul(r));
            let blocks = x.reshape(with(&lead, &[c, r, r, h, w]));
            let order = (0..=lead.rank()).chain([3, 1, 4, 2].map(|axis| axis + lead.rank()));
            Ok(blocks.permute(&order.collect::<Vec<_>>()[..]).reshape(with(&lead, &[c, rows, columns])))
        })
    }

    /// Images [.., c, h r, w r] reduced to [.., c r², h, w]: the inverse of [`pixel_shuffle`](Self::pixel_shuffle).
    ///
    /// # Errors
    /// Fewer axes than three, rows or columns that r does not divide, an r of 0.
    #[doc(alias = "space_to_depth")]
    #[inline]
    #[track_caller]
    pub fn pixel_unshuffle(self, r: usize) -> Self {
        compose("pixel_unshuffle", [self], |[x]| {
            let (lead, [c, rows, columns]) = image(&x.shape())?;
            let (Some(h), Some(w)) = (divided(rows, r), divided(columns, r)) else {
                return Err(Error::shape(format!("{} is not made of blocks of {r} x {r} pixels", x.shape())));
            };
            let channels = c.saturating_mul(r).saturating_mul(r);
            let blocks = x.reshape(with(&lead, &[c, h, r, w, r]));
            let order = (0..=lead.rank()).chain([2, 4, 1, 3].map(|axis| axis + lead.rank()));
            Ok(blocks.permute(&order.collect::<Vec<_>>()[..]).reshape(with(&lead, &[channels, h, w])))
        })
    }
}

/// The leading axes of images and their channels, rows and columns.
fn image(shape: &Shape) -> Result<(Shape, [usize; 3])> {
    match shape[..] {
        [ref lead @ .., c, h, w] => Ok((lead.into(), [c, h, w])),
        _ => Err(Error::shape(format!("{shape} has no channels, rows and columns"))),
    }
}

fn with(lead: &Shape, sizes: &[usize]) -> Shape {
    lead.iter().chain(sizes).copied().collect()
}

/// n / by, where it divides.
fn divided(n: usize, by: usize) -> Option<usize> {
    (n.checked_rem(by)? == 0).then_some(n / by)
}
