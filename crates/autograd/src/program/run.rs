//! Replaying a program.
//!
//! The memory is the program's own, so nothing is allocated but the answers. A result's storage is taken out of its
//! slot while it is written and put back before anything else can go wrong.

use std::fmt;
use std::mem::take;

use smallvec::SmallVec;
use wengert_tensor::{Data, Error, Result, Storage, Tensor};

use super::memory::Memory;
use super::{Program, Single, Source, Step};

impl Program {
    /// The answers for these inputs, which are contiguous and of the types that the program was made for.
    pub(crate) fn run(&mut self, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
        for (slot, spec) in self.slots.iter_mut().zip(&self.specs) {
            if spec.answer {
                *slot = Storage::zeros(spec.dtype, spec.len)?;
            }
        }
        let mut memory = Memory { inputs, constants: &self.constants, slots: &mut self.slots };
        for step in &self.steps {
            match step {
                Step::Single(single) => single.run(&mut memory)?,
                Step::Group(group) => group.run(&mut memory)?,
            }
        }
        self.answers(inputs)
    }

    /// Moves the answers out. Several may be views of one slot.
    fn answers(&mut self, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
        let mut whole: SmallVec<[(usize, Tensor); 8]> = SmallVec::new();
        let mut answers = Vec::with_capacity(self.answers.len());
        for answer in &self.answers {
            let tensor = match answer.source {
                Source::Input(k) => inputs[k].with_layout(answer.layout.clone())?,
                Source::Constant(k) => self.constants[k].with_layout(answer.layout.clone())?,
                Source::Slot(slot) => match whole.iter().find(|(s, _)| *s == slot) {
                    Some((_, tensor)) => tensor.with_layout(answer.layout.clone())?,
                    None => {
                        let tensor = Tensor::from_storage(take(&mut self.slots[slot]), answer.layout.clone())?;
                        whole.push((slot, tensor.clone()));
                        tensor
                    }
                },
            };
            answers.push(tensor);
        }
        Ok(answers)
    }

    /// The number of bytes that the program holds on to between runs.
    pub(crate) fn bytes(&self) -> usize {
        self.slots.iter().map(|slot| slot.len() * slot.dtype().size()).sum()
    }
}

impl Single {
    fn run(&self, memory: &mut Memory) -> Result<()> {
        let outcome = memory.writing(self.out, |memory, out| {
            let operands: SmallVec<[Data; 4]> = self.operands.iter().map(|source| memory.data(*source)).collect();
            self.kernel.call(&operands, out.data_mut().range(0..self.ty.shape.numel()))
        });
        outcome.map_err(|e: Error| e.at(self.at))
    }
}

impl fmt::Display for Single {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {}  # {}", self.op.rule().name(), self.ty.shape, self.at)
    }
}
