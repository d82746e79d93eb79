//! What layers over images share: sizes for each spatial axis, batches of any rank, numbers for each channel.

use wengert_autograd::Var;
use wengert_tensor::{Error, Shape};

/// A size for each of `N` axes: one number for all of them, or an array of one each.
///
/// ```
/// use wengert_nn::PerAxis;
/// assert_eq!(PerAxis::<2>::from(3), PerAxis::from([3, 3]));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PerAxis<const N: usize>(pub [usize; N]);

impl<const N: usize> From<usize> for PerAxis<N> {
    fn from(size: usize) -> Self {
        Self([size; N])
    }
}

impl<const N: usize> From<[usize; N]> for PerAxis<N> {
    fn from(sizes: [usize; N]) -> Self {
        Self(sizes)
    }
}

/// The axes before those of an image, which become one for as long as a layer works.
pub(super) struct Lead {
    sizes: Option<Vec<usize>>,
    image: usize,
}

impl Lead {
    /// `x` of [.., image..] as [N, image..], where an image has so many axes, and what [`restore`](Self::restore) needs.
    #[inline]
    #[track_caller]
    pub fn join<'t>(layer: &str, x: Var<'t>, image: usize) -> Result<(Var<'t>, Self), Var<'t>> {
        if x.is_poisoned() {
            return Err(x);
        }
        let shape = x.shape();
        let Some(lead) = shape.rank().checked_sub(image) else {
            let sentence = format!("{layer}: takes channels and {} axes after any others, got {shape}", image - 1);
            return Err(x.tape().error(Error::shape(sentence)));
        };
        if lead == 1 {
            return Ok((x, Self { sizes: None, image }));
        }
        let n = Shape::from(&shape[..lead]).numel();
        let joined = x.reshape(&[&[n], &shape[lead..]].concat()[..]);
        Ok((joined, Self { sizes: Some(shape[..lead].to_vec()), image }))
    }

    /// [N, image..] with the leading axes as they were.
    #[inline]
    #[track_caller]
    pub fn restore(self, y: Var<'_>) -> Var<'_> {
        match self.sizes {
            Some(lead) if !y.is_poisoned() => y.reshape(&[&lead, &y.shape()[y.rank() - self.image..]].concat()[..]),
            _ => y,
        }
    }
}

/// Numbers for each channel, [channels], so that they meet the channels of [N, channels, axes..] of rank `rank`.
#[inline]
#[track_caller]
pub(super) fn per_channel(numbers: Var<'_>, rank: usize) -> Var<'_> {
    if numbers.is_poisoned() {
        return numbers;
    }
    let mut sizes = vec![1; rank.saturating_sub(1).max(1)];
    sizes[0] = numbers.shape().numel();
    numbers.reshape(&sizes[..])
}
