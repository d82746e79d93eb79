//! What L-BFGS keeps from step to step, as tensors by name: with the parameters, all that the next steps depend on.

use indexmap::IndexMap;
use wengert_tensor::{DType, Error, Result, Tensor};

use super::memory::Memory;
use super::{Lbfgs, State};

/// Differences of points, and of gradients, a row for each that is remembered.
const POINTS: &str = "points";
const GRADIENTS: &str = "gradients";
/// The last gradient and the step that was made from there, as two rows, or none.
const LAST: &str = "last";
const EVALUATIONS: &str = "evaluations";
const CONVERGED: &str = "converged";

impl Lbfgs {
    /// All that is kept between steps: what was remembered of the curvature, and how often the loss was asked for.
    ///
    /// ```
    /// use wengert_nn::{Lbfgs, Module, Param};
    /// use wengert_tensor::Tensor;
    ///
    /// let x = Param::new(Tensor::from([3.0, -1.0]));
    /// let mut lbfgs = Lbfgs::new().iterations(2);
    /// lbfgs.step(&x, |t| x.on(t).cosh().sum())?;
    /// let (model, state) = (x.state(), lbfgs.state()?);
    /// let next = lbfgs.step(&x, |t| x.on(t).cosh().sum())?;
    /// let end = x.value();
    ///
    /// let mut lbfgs = Lbfgs::new().iterations(2);
    /// x.load(&model)?;
    /// lbfgs.load_state(&state)?;
    /// assert_eq!(lbfgs.step(&x, |t| x.on(t).cosh().sum())?, next);
    /// assert_eq!(x.value(), end);
    /// # Ok::<(), wengert_tensor::Error>(())
    /// ```
    ///
    /// # Errors
    /// Where there is no memory.
    #[doc(alias = "state_dict")]
    pub fn state(&self) -> Result<IndexMap<String, Tensor>> {
        let State { memory, last, evaluations, converged, .. } = &self.state;
        let (points, gradients): (Vec<_>, Vec<_>) = memory.pairs().unzip();
        let last = last.iter().flat_map(|(gradient, step)| [gradient.as_slice(), step]).collect();
        Ok([
            (POINTS.to_string(), rows(points)?),
            (GRADIENTS.to_string(), rows(gradients)?),
            (LAST.to_string(), rows(last)?),
            (EVALUATIONS.to_string(), Tensor::from(*evaluations as i64)),
            (CONVERGED.to_string(), Tensor::from(*converged)),
        ]
        .into())
    }

    /// Goes on from what [`state`](Self::state) gave, with the same options. The next step is one of the parameters that were
    /// trained before.
    ///
    /// # Errors
    /// [`ErrorKind::Parameter`](wengert_tensor::ErrorKind::Parameter) with the name of what is missing, left over, or not what
    /// it must be. Nothing is changed then.
    #[doc(alias = "load_state_dict")]
    pub fn load_state(&mut self, state: &IndexMap<String, Tensor>) -> Result<()> {
        let find = |name: &str, dtype: DType, rank: usize| {
            let found = state.get(name).ok_or_else(|| Error::parameter(format!("load_state: there is no {name}")))?;
            match found.dtype() == dtype && found.shape().rank() == rank {
                true => Ok(found),
                false => {
                    let (is, shape) = (found.dtype(), found.shape());
                    Err(Error::parameter(format!("load_state: {name} is {is}{shape}, not {dtype} of {rank} axes")))
                }
            }
        };
        let (points, gradients) = (find(POINTS, DType::F64, 2)?, find(GRADIENTS, DType::F64, 2)?);
        let (last, evaluations) = (find(LAST, DType::F64, 2)?, find(EVALUATIONS, DType::I64, 0)?);
        let converged = find(CONVERGED, DType::Bool, 0)?.item()? != 0.0;
        if let Some(name) =
            state.keys().find(|name| ![POINTS, GRADIENTS, LAST, EVALUATIONS, CONVERGED].contains(&name.as_str()))
        {
            return Err(Error::parameter(format!("load_state: there is no place for {name}")));
        }
        let fits = points.shape()[1] == last.shape()[1] || points.numel() == 0;
        if points.shape() != gradients.shape() || ![0, 2].contains(&last.shape()[0]) || !fits {
            let (s, y, last) = (points.shape(), gradients.shape(), last.shape());
            return Err(Error::parameter(format!(
                "load_state: points {s}, gradients {y} and last {last} do not go together"
            )));
        }
        let mut memory = Memory::default();
        memory.clear();
        for (s, y) in split(points)?.into_iter().zip(split(gradients)?) {
            memory.remember(s, y, self.history);
        }
        let mut last = split(last)?.into_iter();
        self.state = State {
            memory,
            last: last.next().zip(last.next()),
            keys: None,
            evaluations: evaluations.item()? as usize,
            converged,
        };
        Ok(())
    }
}

fn rows(rows: Vec<&[f64]>) -> Result<Tensor> {
    let columns = rows.first().map_or(0, |row| row.len());
    Tensor::from_vec(rows.concat(), [rows.len(), columns])
}

fn split(tensor: &Tensor) -> Result<Vec<Vec<f64>>> {
    let (all, columns) = (tensor.to_vec::<f64>()?, tensor.shape()[1]);
    Ok(if columns == 0 { Vec::new() } else { all.chunks(columns).map(<[f64]>::to_vec).collect() })
}
