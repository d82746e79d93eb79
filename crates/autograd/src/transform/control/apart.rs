//! A loop whose steps carry nothing from one to the next: they do not wait for each other, so threads share them.
//!
//! Every step is computed as it is by itself and writes places of its own, so the bits depend on no number of threads.

use std::ops::Range;

use smallvec::SmallVec;
use wengert_tensor::kernel::{copy, parallel};
use wengert_tensor::{DataMut, Result, Tensor, View, ViewMut, threads};

use super::steps::{Keep, Scan, row};

/// Elements that are gone over or made; below, it takes longer to wake threads.
const WORTH: usize = 1 << 15;

/// Where the results of some steps go, each in places of its own; `None` for what is not kept.
type Pieces<'a> = Vec<Option<DataMut<'a>>>;

impl Scan {
    /// Whether no step needs another.
    pub(super) fn is_apart(&self) -> bool {
        self.carries == 0 && !self.keep.contains(&Keep::Last)
    }

    /// All steps, with these arguments but for their parts of `x`.
    #[inline]
    pub(super) fn apart(&self, x: &[View], arguments: &[Tensor], out: ViewMut) -> Result<()> {
        let mut rest = out.into_data();
        let mut elements: usize = rest.len();
        elements += x[..self.xs].iter().map(|x| x.shape().numel()).sum::<usize>();
        let mut pieces: Pieces<'_> = Vec::with_capacity(self.keep.len());
        for part in self.parts() {
            pieces.push(part.map(|part| {
                let (piece, others) = std::mem::take(&mut rest).split_at_mut(part.len());
                rest = others;
                piece
            }));
        }
        let grain = if elements < WORTH { self.steps } else { self.steps.div_ceil(threads()) };
        self.halves(x, arguments, pieces, 0..self.steps, grain.max(1))
    }

    fn halves<'a>(
        &self,
        x: &[View],
        arguments: &[Tensor],
        to: Pieces<'a>,
        steps: Range<usize>,
        grain: usize,
    ) -> Result<()> {
        if steps.len() <= grain {
            return self.in_turn(x, arguments, to, steps);
        }
        let middle = steps.start.midpoint(steps.end);
        let cut = |(r, piece): (usize, Option<DataMut<'a>>)| match piece {
            Some(piece) => {
                let (low, high) = piece.split_at_mut((middle - steps.start) * self.body.results[r].shape.numel());
                (Some(low), Some(high))
            }
            None => (None, None),
        };
        let (low, high): (Pieces<'a>, Pieces<'a>) = to.into_iter().enumerate().map(cut).unzip();
        let (low, high) = parallel::join(
            || self.halves(x, arguments, low, steps.start..middle, grain),
            || self.halves(x, arguments, high, middle..steps.end, grain),
        );
        low.and(high)
    }

    fn in_turn(&self, x: &[View], arguments: &[Tensor], mut to: Pieces<'_>, steps: Range<usize>) -> Result<()> {
        let (mut arguments, mut answers) = (arguments.to_vec(), self.body.answers()?);
        self.body.run(|program| {
            for step in steps.clone() {
                for i in 0..self.xs {
                    arguments[i] = row(x[i], step)?;
                }
                let now: SmallVec<[&Tensor; 16]> = arguments.iter().collect();
                let outcome = program.run_into(&now, &mut answers);
                outcome.map_err(|error| error.within(format_args!("scan: step {step}")))?;
                for (answer, piece) in answers.iter().zip(&mut to) {
                    let Some(piece) = piece else { continue };
                    let start = (step - steps.start) * answer.numel();
                    let data = piece.reborrow().range(start..start + answer.numel());
                    copy::copy(answer.view(), ViewMut::new(data, answer.shape())?)?;
                }
            }
            Ok(())
        })
    }
}
