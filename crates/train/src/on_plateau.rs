//! [`OnPlateau`]: a rate that follows what validation finds.

use wengert_nn::Plateau;
use wengert_tensor::{Error, Result};

use crate::observer::{Control, EpochEvent, Observer};

/// An observer that lowers the learning rate where a value no longer improves: a [`Plateau`] that sees each epoch's value, for a
/// [`Trainer`](crate::Trainer) without a schedule. A resumed run goes on from its state.
///
/// ```
/// use wengert_nn::{Param, Plateau, Sgd, Train};
/// use wengert_tensor::Tensor;
/// use wengert_train::{OnPlateau, Trainer};
///
/// let x = Param::new(Tensor::from([1.0]));
/// let trainer = Trainer::new(&x, Train::new(&x, Sgd::new(0.1)))
///     .observe(OnPlateau::new("loss", Plateau::new(0.1).patience(3).factor(0.5)));
/// ```
#[derive(Debug, Clone, PartialEq)]
#[doc(alias = "ReduceLROnPlateau")]
pub struct OnPlateau {
    name: String,
    plateau: Plateau,
}

impl OnPlateau {
    /// By the value of a name, with `loss` for that of training. The plateau starts from the optimiser's rate.
    pub fn new(name: impl Into<String>, plateau: Plateau) -> Self {
        Self { name: name.into(), plateau }
    }
}

impl Observer for OnPlateau {
    fn epoch(&mut self, event: &EpochEvent<'_>, control: &mut Control) -> Result<()> {
        self.plateau.check()?;
        control.lr = Some(self.plateau.observe(event.value(&self.name)?));
        Ok(())
    }

    fn state(&self) -> Option<(String, String)> {
        // Bits, for the numbers are to be the same.
        let numbers = self.plateau.state().map(|number| format!("{:016x}", number.to_bits()));
        Some((format!("plateau.{}", self.name), numbers.join(" ")))
    }

    fn restore(&mut self, state: &str) -> Result<()> {
        let numbers = state.split(' ').map(|bits| u64::from_str_radix(bits, 16).map(f64::from_bits));
        let numbers: Option<Vec<f64>> = numbers.map(std::result::Result::ok).collect();
        match numbers.and_then(|numbers| numbers.try_into().ok()) {
            Some(numbers) => self.plateau.load_state(numbers),
            None => Err(Error::file(format!("plateau: a state {state:?} of {} is unreadable", self.name))),
        }
    }
}
