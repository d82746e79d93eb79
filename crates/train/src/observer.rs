//! What happens in training, for whoever wants to see it or to have a say: progress, logs, early stopping, the best model.

use wengert_nn::Module;
use wengert_tensor::{Error, Result};

/// A step that was made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepEvent {
    /// How many steps were made, this one included.
    pub step: u64,
    /// The epoch, from 0.
    pub epoch: u64,
    /// The batch within it, from 0.
    pub batch: u64,
    /// How many batches an epoch has.
    pub batches: u64,
    /// How many epochs there are to be.
    pub epochs: u64,
    /// The loss of the batch, from before the update.
    pub loss: f64,
    /// The learning rate.
    pub lr: f64,
    /// How many samples the batch had.
    pub samples: usize,
}

/// An epoch that ended, after validation.
pub struct EpochEvent<'a> {
    /// How many steps were made.
    pub step: u64,
    /// The epoch, from 0.
    pub epoch: u64,
    /// How many epochs there are to be.
    pub epochs: u64,
    /// The learning rate of its last step.
    pub lr: f64,
    /// The mean of its batches' losses, weighted by their samples.
    pub loss: f64,
    /// What validation gave, by name.
    pub values: &'a [(String, f64)],
    /// The model that is trained, or the one that [gets its averages](crate::Trainer::averages_into).
    pub model: &'a dyn Module,
}

impl EpochEvent<'_> {
    /// The value of a name: of validation, or `loss` for that of training.
    ///
    /// # Errors
    /// A name that there is not.
    pub fn value(&self, name: &str) -> Result<f64> {
        let found = self.values.iter().find(|(known, _)| known == name).map(|(_, value)| *value);
        found.or((name == "loss").then_some(self.loss)).ok_or_else(|| {
            let known: Vec<&str> = self.values.iter().map(|(known, _)| known.as_str()).chain(["loss"]).collect();
            Error::value(format!("train: there is no value {name} among {}", known.join(", ")))
        })
    }
}

/// What an observer may ask for at the end of an epoch.
#[derive(Debug, Default)]
pub struct Control {
    /// Why training is to end, if it is.
    pub stop: Option<String>,
    /// Another learning rate from now on.
    pub lr: Option<f64>,
}

/// Somebody who is told what happens. All of it has a default that does nothing.
pub trait Observer {
    /// A step was made.
    ///
    /// # Errors
    /// Whatever ends training.
    fn step(&mut self, _event: &StepEvent) -> Result<()> {
        Ok(())
    }

    /// An epoch ended.
    ///
    /// # Errors
    /// Whatever ends training.
    fn epoch(&mut self, _event: &EpochEvent<'_>, _control: &mut Control) -> Result<()> {
        Ok(())
    }

    /// What it has to remember for training that is resumed to go the same way, under a name of its own.
    fn state(&self) -> Option<(String, String)> {
        None
    }

    /// Goes on from a state of the name that it gave.
    ///
    /// # Errors
    /// A state that it cannot read.
    fn restore(&mut self, _state: &str) -> Result<()> {
        Ok(())
    }

    /// Training goes on after this step of an earlier run: what was told of later ones did not happen.
    ///
    /// # Errors
    /// What goes wrong where that is put right, as in a file.
    fn resumed(&mut self, _step: u64) -> Result<()> {
        Ok(())
    }
}
