//! Connectionist temporal classification: labels in order, where nobody knows when.

use wengert_autograd::{Var, scan};
use wengert_tensor::{DType, Error, Result, Scalar, Shape, Tensor};

use super::{Reduction, defined};

/// The negative log-likelihood of sequences of labels, summed over all ways in which steps can be assigned to them:
/// every step gives a label or a blank, repetitions without a blank between them are one, and blanks are left
/// out.
///
/// Log-probabilities have the shape `[batch, steps, classes]`, labels, of i64, `[batch, labels]`; each sequence has its
/// own number of steps and of labels, i64 of shape `[batch]`, and what is beyond does not count. The mean divides each loss
/// by its number of labels first. A sequence with too few steps for its labels has an infinite loss.
///
/// With l' the labels with blanks around and between them, the probability a(t, s) of all ways to be at l'(s) at step t is
/// p(t, l'(s)) times the sum of a(t - 1, s), a(t - 1, s - 1) and, where l'(s) is neither a blank nor l'(s - 2),
/// a(t - 1, s - 2); here in logarithms, by a [`scan`].
///
/// A. Graves, S. Fernández, F. Gomez and J. Schmidhuber, "Connectionist temporal classification: labelling unsegmented
/// sequence data with recurrent neural networks", ICML 2006.
///
/// ```
/// use wengert_autograd::Tape;
/// use wengert_nn::loss::Ctc;
/// use wengert_tensor::Tensor;
///
/// // Two steps, each a blank or a 1 with probability 1/2: three of four ways read "1".
/// let tape = Tape::new();
/// let x = tape.full([1, 2, 2], 0.5f64.ln());
/// let [labels, steps, lengths] = [[1], [2], [1]].map(|n| tape.input(&Tensor::from(n)));
/// let loss = Ctc::new().of(x, labels.unsqueeze(0), steps, lengths);
/// assert!((loss.item()? + 0.75f64.ln()).abs() < 1e-15);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
#[doc(alias("ctc_loss", "CTCLoss"))]
pub struct Ctc {
    blank: usize,
    zero_infinity: bool,
    reduction: Reduction,
}

impl Ctc {
    /// With class 0 for the blank, reduced to the mean.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with another class for the blank.
    pub fn blank(self, class: usize) -> Self {
        Self { blank: class, ..self }
    }

    /// The same where an infinite loss, and its gradient, is 0 instead.
    pub fn zero_infinity(self) -> Self {
        Self { zero_infinity: true, ..self }
    }

    /// The same, reduced as said.
    pub fn reduction(self, reduction: Reduction) -> Self {
        Self { reduction, ..self }
    }

    /// The loss of log-probabilities `x`, `[batch, steps, classes]`, `labels`, `[batch, labels]`, and how many `steps` and
    /// labels (`lengths`) each sequence has, `[batch]`.
    #[inline]
    #[track_caller]
    pub fn of<'t>(&self, x: Var<'t>, labels: Var<'t>, steps: Var<'t>, lengths: Var<'t>) -> Var<'t> {
        if let Err(poisoned) = self.check(x, labels, steps, lengths) {
            return poisoned;
        }
        let tape = x.tape();
        tape.originating(tape.here(), || match self.forward(x, labels, steps, lengths) {
            Ok(loss) => loss,
            Err(error) => tape.error(error.within("ctc")),
        })
    }

    /// The recursion, of operands that fit.
    #[inline]
    fn forward<'t>(&self, x: Var<'t>, labels: Var<'t>, steps: Var<'t>, lengths: Var<'t>) -> Result<Var<'t>> {
        let tape = x.tape();
        let (batch, time, most) = (x.shape()[0], x.shape()[1], labels.shape()[1]);
        let (width, blank, impossible) = (2 * most + 1, self.blank as i64, f64::NEG_INFINITY);

        // l', with blanks beyond the end, where labels may be anything.
        let places = tape.input(&Tensor::arange(0, most as i64, 1)?);
        let labels = places.less(lengths.unsqueeze(-1)).where_(labels, blank);
        let pairs = Var::stack(&[labels.full_like(blank), labels], -1).reshape([batch, 2 * most]);
        let extended = pairs.pad(&[(0, 0), (0, 1)], blank);
        let before = extended.pad(&[(0, 0), (2, 0)], blank).narrow(1, 0, width);
        let skips = extended.not_equal(before);

        let whole = [batch, time, width];
        let emitted = x.gather(-1, extended.unsqueeze(1).broadcast_to(whole)).transpose(0, 1);
        let clock = tape.input(&Tensor::arange(0, time as i64, 1)?).unsqueeze(-1);
        let lasts = clock.less(steps).unsqueeze(-1).broadcast_to([time, batch, width]);
        // Before the first step all ways are at the blank before the first label. Infinities are constants of the tape, which a
        // search for anomalies takes for meant.
        let nowhere = tape.full([width], Scalar::from(impossible).cast(x.dtype()));
        let start = tape.input(&Tensor::arange(0, width as i64, 1)?).equal(0i64).where_(0.0, nowhere);
        let shifted = |a: Var<'t>, by: usize| a.pad(&[(0, 0), (by, 0)], impossible).narrow(1, 0, width);
        let (a, ()) = scan(
            |a: Var<'t>, (emitted, lasts): (Var<'t>, Var<'t>)| {
                let two = skips.where_(shifted(a, 2), impossible);
                let next = a.logaddexp(shifted(a, 1)).logaddexp(two) + emitted;
                (lasts.where_(next, a), ())
            },
            start.broadcast_to([batch, width]),
            (emitted, lasts),
        );

        // The last label, or the blank after it.
        let end = 2.0 * lengths;
        let label = end.equal(0i64).where_(0i64, end - 1.0);
        let at = |s: Var<'t>| a.gather(1, s.unsqueeze(-1)).squeeze(-1);
        let some = end.not_equal(0i64).where_(at(label), impossible);
        let losses = -at(end).logaddexp(some);
        let losses = if self.zero_infinity { losses.equal(f64::INFINITY).where_(0.0, losses) } else { losses };
        Ok(match self.reduction {
            Reduction::Mean => (losses / lengths.maximum(1i64).cast(x.dtype())).mean(),
            reduction => reduction.of(losses),
        })
    }

    #[inline]
    #[track_caller]
    fn check<'t>(
        &self,
        x: Var<'t>,
        labels: Var<'t>,
        steps: Var<'t>,
        lengths: Var<'t>,
    ) -> std::result::Result<(), Var<'t>> {
        defined(&[x, labels, steps, lengths])?;
        let types = [x.ty(), labels.ty(), steps.ty(), lengths.ty()];
        let [x_type, of_labels, of_steps, of_lengths] = &types;
        let error = if !x_type.dtype.is_float() || types[1..].iter().any(|ty| ty.dtype != DType::I64) {
            Error::dtype(format!(
                "ctc: takes floats and three variables of i64, got {x_type}, {of_labels}, {of_steps} and {of_lengths}"
            ))
        } else if x_type.shape.rank() != 3
            || of_labels.shape.rank() != 2
            || of_labels.shape[0] != x_type.shape[0]
            || [of_steps, of_lengths].iter().any(|ty| ty.shape != Shape::from([x_type.shape[0]]))
        {
            Error::shape(format!(
                "ctc: takes [batch, steps, classes], [batch, labels], [batch] and [batch], got {}, {}, {} and {}",
                x_type.shape, of_labels.shape, of_steps.shape, of_lengths.shape
            ))
        } else if self.blank >= x_type.shape[2] {
            Error::index(format!("ctc: blank {} is no class of {}", self.blank, x_type.shape))
        } else {
            return Ok(());
        };
        Err(x.tape().error(error))
    }
}
