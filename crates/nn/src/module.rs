//! [`Module`]: anything that holds parameters, and what can be done to all of them at once.
//!
//! A module says only what it holds ([`Module::visit`], usually derived); names, state, freezing and
//! conversion follow from that. A parameter that is met twice is tied: it counts once, trains once, and
//! goes by the name under which it was met first.

use std::collections::HashSet;
use std::marker::PhantomData;
use std::sync::Arc;

use indexmap::IndexMap;
use wengert_autograd::Type;
use wengert_tensor::{DType, Error, Result, Tensor};

use crate::buffer::Buffer;
use crate::param::Param;

/// Anything that holds parameters and buffers, in order and by name.
///
/// Usually derived: every field is visited under its name. Implemented here for [`Param`], [`Buffer`], for vectors,
/// arrays, options, boxes, `Arc`s and small tuples of modules, and, as modules without parameters, for
/// plain numbers, `bool`, strings and dtypes. It is not implemented for `Tensor`: a constant that
/// belongs to the model's state is a `Buffer`, one that does not is marked `#[module(skip)]`.
///
/// ```
/// extern crate wengert_nn as wengert; // Not needed by users of the crate `wengert`.
/// use wengert_nn::{Linear, Module};
/// use wengert_tensor::Rng;
///
/// #[derive(Module)]
/// struct Net {
///     layers: Vec<Linear>,
///     scale: f64,
/// }
///
/// let mut rng = Rng::seed(0);
/// let net = Net { layers: vec![Linear::new(2, 4, &mut rng)?, Linear::new(4, 1, &mut rng)?], scale: 1.0 };
/// let names: Vec<_> = net.params().into_keys().collect();
/// assert_eq!(names, ["layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias"]);
/// assert_eq!(net.count(), 2 * 4 + 4 + 4 + 1);
/// # Ok::<(), wengert_tensor::Error>(())
/// ```
///
/// A field that is no module must say so:
///
/// ```compile_fail
/// extern crate wengert_nn as wengert;
/// #[derive(wengert_nn::Module)]
/// struct Net {
///     mean: wengert_tensor::Tensor,
/// }
/// ```
///
/// ```
/// extern crate wengert_nn as wengert;
/// #[derive(wengert_nn::Module)]
/// struct Net {
///     #[module(skip)]
///     mean: wengert_tensor::Tensor,
/// }
/// ```
///
/// An attribute that does not exist or means nothing is refused, and so is a union:
///
/// ```compile_fail
/// extern crate wengert_nn as wengert;
/// #[derive(wengert_nn::Module)]
/// struct Net {
///     #[module(ignore)]
///     width: usize,
/// }
/// ```
///
/// ```compile_fail
/// extern crate wengert_nn as wengert;
/// #[derive(wengert_nn::Module)]
/// #[module(skip)]
/// struct Net {
///     width: usize,
/// }
/// ```
///
/// ```compile_fail
/// extern crate wengert_nn as wengert;
/// #[derive(wengert_nn::Module)]
/// union Net {
///     width: usize,
///     height: usize,
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a module",
    label = "not a module",
    note = "derive `Module` for it, hold a `Param`, or mark the field `#[module(skip)]`"
)]
pub trait Module: Send + Sync {
    /// Shows `visitor` everything that this module holds, in order.
    fn visit(&self, visitor: &mut Visitor);

    /// The parameters by name, in order, each once.
    #[doc(alias = "named_parameters")]
    fn params(&self) -> IndexMap<String, Param> {
        walk(self).filter_map(|(name, held)| held.is_param.then_some((name, held.tensor))).collect()
    }

    /// The state that is not trained, by name, in order, each once.
    #[doc(alias = "named_buffers")]
    fn buffers(&self) -> IndexMap<String, Buffer> {
        walk(self).filter_map(|(name, held)| (!held.is_param).then_some((name, Buffer(held.tensor)))).collect()
    }

    /// The number of scalars in all parameters, frozen ones included.
    fn count(&self) -> usize {
        self.params().values().map(|param| param.value().numel()).sum()
    }

    /// Excludes all parameters from training.
    fn freeze(&self) {
        self.params().values().for_each(Param::freeze);
    }

    /// Includes all parameters in training again.
    fn unfreeze(&self) {
        self.params().values().for_each(Param::unfreeze);
    }

    /// The values of parameters and buffers by name, in order. What is tied is there once, under its first name.
    #[doc(alias = "state_dict")]
    fn state(&self) -> IndexMap<String, Tensor> {
        walk(self).map(|(name, held)| (name, held.tensor.value())).collect()
    }

    /// Takes all values from `state`, which has exactly the names, shapes and dtypes of
    /// [`state`](Self::state), in any order.
    ///
    /// # Errors
    /// [`ErrorKind::Parameter`](wengert_tensor::ErrorKind::Parameter), with every entry that is missing, left
    /// over, or of another shape or dtype. Nothing is changed then.
    #[doc(alias = "load_state_dict")]
    fn load(&self, state: &IndexMap<String, Tensor>) -> Result<()> {
        let own: IndexMap<String, Param> = walk(self).map(|(name, held)| (name, held.tensor)).collect();
        let wrong = mismatches(&own, state);
        if !wrong.is_empty() {
            return Err(Error::parameter(format!("load: {}", wrong.join("; "))));
        }
        own.iter().for_each(|(name, param)| param.replace(state[name].clone()));
        Ok(())
    }

    /// Converts all parameters and buffers of a float dtype to `dtype`.
    ///
    /// # Errors
    /// A dtype that is not a float, or no memory for the converted values. Nothing is changed then.
    fn to(&self, dtype: DType) -> Result<()> {
        if !dtype.is_float() {
            return Err(Error::dtype(format!("to: parameters are floats, which {dtype} is not")));
        }
        let params: Vec<Param> =
            walk(self).map(|(_, held)| held.tensor).filter(|param| param.ty().dtype.is_float()).collect();
        let values = params.iter().map(|param| param.value().cast(dtype)).collect::<Result<Vec<_>>>()?;
        params.iter().zip(values).for_each(|(param, value)| param.replace(value));
        Ok(())
    }
}

/// What is wrong with `state` for `params`, a phrase each.
fn mismatches(params: &IndexMap<String, Param>, state: &IndexMap<String, Tensor>) -> Vec<String> {
    let ty = |tensor: &Tensor| Type::new(tensor.dtype(), tensor.shape());
    let own = params.iter().filter_map(|(name, param)| match (param.ty(), state.get(name).map(ty)) {
        (own, None) => Some(format!("{name} of {own} is missing")),
        (own, Some(given)) if own != given => Some(format!("{name} is {own}, not {given}")),
        _ => None,
    });
    let extra = state.iter().filter(|(name, _)| !params.contains_key(*name));
    own.chain(extra.map(|(name, tensor)| format!("there is no {name} for {}", ty(tensor)))).collect()
}

/// Gathers what modules hold; see [`Module::visit`].
#[derive(Default)]
pub struct Visitor {
    /// Where the walk is: names joined by dots.
    path: String,
    seen: HashSet<u64>,
    held: IndexMap<String, Held>,
}

/// A tensor of a module.
struct Held {
    tensor: Param,
    is_param: bool,
}

/// All that a module holds, by name, in order, each once.
fn walk<M: Module + ?Sized>(module: &M) -> indexmap::map::IntoIter<String, Held> {
    let mut visitor = Visitor::default();
    module.visit(&mut visitor);
    visitor.held.into_iter()
}

impl Visitor {
    /// Visits `module`, which its parent calls `name`.
    pub fn child<M: Module + ?Sized>(&mut self, name: &str, module: &M) {
        let parent = self.path.len();
        if parent > 0 {
            self.path.push('.');
        }
        self.path.push_str(name);
        module.visit(self);
        self.path.truncate(parent);
    }

    fn hold(&mut self, tensor: &Param, is_param: bool) {
        if !self.seen.insert(tensor.key()) {
            return;
        }
        let unnamed = if is_param { "param" } else { "buffer" };
        let mut name = if self.path.is_empty() { unnamed.to_string() } else { self.path.clone() };
        // Only a `visit` written by hand can use a name twice; neither is to be lost.
        while self.held.contains_key(&name) {
            name.push('\'');
        }
        self.held.insert(name, Held { tensor: tensor.clone(), is_param });
    }
}

impl Module for Param {
    fn visit(&self, visitor: &mut Visitor) {
        visitor.hold(self, true);
    }
}

impl Module for Buffer {
    fn visit(&self, visitor: &mut Visitor) {
        visitor.hold(&self.0, false);
    }
}

impl<M: Module> Module for [M] {
    fn visit(&self, visitor: &mut Visitor) {
        for (i, module) in self.iter().enumerate() {
            visitor.child(&i.to_string(), module);
        }
    }
}

/// Modules that only pass on what is inside them.
macro_rules! transparent {
    ($(impl[$($generics:tt)*] $T:ty: |$module:ident| $inside:expr;)*) => {$(
        impl<$($generics)*> Module for $T {
            fn visit(&self, visitor: &mut Visitor) {
                let $module = self;
                $inside.into_iter().for_each(|inside| inside.visit(visitor));
            }
        }
    )*};
}

transparent! {
    impl[M: Module] Vec<M>: |vec| [vec.as_slice()];
    impl[M: Module, const N: usize] [M; N]: |array| [array.as_slice()];
    impl[M: Module] Option<M>: |option| option;
    impl[M: Module + ?Sized] Box<M>: |inside| [&**inside];
    impl[M: Module + ?Sized] Arc<M>: |inside| [&**inside];
    impl[M: Module + ?Sized] &M: |inside| [&**inside];
}

macro_rules! tuples {
    ($(($($M:ident $i:tt),*))*) => {$(
        impl<$($M: Module),*> Module for ($($M,)*) {
            fn visit(&self, visitor: &mut Visitor) {
                $(visitor.child(stringify!($i), &self.$i);)*
            }
        }
    )*};
}

tuples! { (A 0, B 1) (A 0, B 1, C 2) (A 0, B 1, C 2, D 3) }

/// What models hold besides parameters.
macro_rules! without_parameters {
    ($($T:ty),*) => {$(
        impl Module for $T {
            fn visit(&self, _: &mut Visitor) {}
        }
    )*};
}

without_parameters!((), bool, u8, u16, u32, u64, usize, i8, i16, i32, i64, isize, f32, f64, char, str, String, DType);

impl<T: ?Sized + Send + Sync> Module for PhantomData<T> {
    fn visit(&self, _: &mut Visitor) {}
}
