//! A sample's arguments, bound to the names of the operation's signature.
//!
//! A mapping asks for what it needs by name and kind. An argument that the signature does not know is a
//! failure, so none is ignored by accident; one that is not given has the signature's default. What
//! is asked for and is of another kind panics with a sentence, which the runner reports.

use serde_json::Value as Json;
use wengert_autograd::{Tape, Var};
use wengert_tensor::{DType, Result, Shape, Tensor};

use crate::sample::{File, Sample};

/// One argument.
#[derive(Clone)]
enum Value<'t> {
    Tensor(Var<'t>),
    List(Vec<Value<'t>>),
    Plain(Json),
}

/// All arguments, by name.
pub struct Args<'t> {
    /// Where the tensors are variables.
    pub tape: &'t Tape,
    named: Vec<(String, Value<'t>)>,
    /// Every tensor, in the order of arguments and keywords, by which `wrt` counts.
    pub leaves: Vec<Var<'t>>,
    /// The results as the sample has them.
    outputs: Vec<Tensor>,
}

impl<'t> Args<'t> {
    /// Binds a sample's arguments to a signature such as `addmm(input, mat1, mat2, beta=1, alpha=1)`,
    /// whose defaults are JSON.
    ///
    /// # Errors
    /// Where a tensor cannot be read. Arguments that do not fit the signature panic.
    pub fn bind(signature: &str, tape: &'t Tape, file: &File, sample: &Sample) -> Result<Self> {
        let parameters = parameters(signature);
        let names = sample.list("outputs").iter().filter_map(Json::as_str);
        let outputs = names.map(|name| file.tensor(name)).collect::<Result<_>>()?;
        let mut args = Self { tape, named: Vec::new(), leaves: Vec::new(), outputs };
        for (i, given) in sample.list("args").iter().enumerate() {
            let (name, _) = parameters.get(i).unwrap_or_else(|| panic!("{signature} has no argument number {i}"));
            let value = args.decode(file, given)?;
            args.named.push((name.clone(), value));
        }
        for (name, given) in sample.keywords() {
            assert!(parameters.iter().any(|(known, _)| known == name), "{signature} has no argument named {name}");
            let value = args.decode(file, given)?;
            args.named.push((name.clone(), value));
        }
        for (name, default) in parameters {
            match (args.has(&name), default) {
                (true, _) => {}
                (false, Some(default)) => args.named.push((name, plain(default))),
                (false, None) => panic!("{signature} is called without {name}"),
            }
        }
        Ok(args)
    }

    fn decode(&mut self, file: &File, given: &Json) -> Result<Value<'t>> {
        if let Some(name) = given.get("tensor").and_then(Json::as_str) {
            let var = self.tape.input(&file.tensor(name)?);
            self.leaves.push(var);
            return Ok(Value::Tensor(var));
        }
        if let Some(items) = given.get("list").and_then(Json::as_array) {
            return Ok(Value::List(items.iter().map(|item| self.decode(file, item)).collect::<Result<_>>()?));
        }
        Ok(plain(given.get("value").or(given.get("dtype")).unwrap_or(given).clone()))
    }

    fn has(&self, name: &str) -> bool {
        self.named.iter().any(|(known, _)| known == name)
    }

    fn get(&self, name: &str) -> &Value<'t> {
        match self.named.iter().find(|(known, _)| known == name) {
            Some((_, value)) => value,
            None => panic!("the signature has no {name}"),
        }
    }

    fn json(&self, name: &str) -> &Json {
        match self.get(name) {
            Value::Plain(json) => json,
            _ => panic!("{name} is not a plain value"),
        }
    }

    /// Whether an argument is not `None`.
    pub fn given(&self, name: &str) -> bool {
        !matches!(self.get(name), Value::Plain(Json::Null))
    }

    /// Whether an argument is a tensor.
    pub fn is_tensor(&self, name: &str) -> bool {
        matches!(self.get(name), Value::Tensor(_))
    }

    /// Whether an argument is a list.
    pub fn is_list(&self, name: &str) -> bool {
        matches!(self.get(name), Value::List(_))
    }

    /// Whether an argument is `true` or `false`.
    pub fn is_flag(&self, name: &str) -> bool {
        matches!(self.get(name), Value::Plain(Json::Bool(_)))
    }

    /// How many results the sample has.
    pub fn references(&self) -> usize {
        self.outputs.len()
    }

    /// The sample's result number `i`: for what is not unique, to make the same choice.
    pub fn reference(&self, i: usize) -> Var<'t> {
        let output = self.outputs.get(i).unwrap_or_else(|| panic!("no result number {i}"));
        self.tape.input(output)
    }

    /// A tensor as it is, or a number as a tensor of rank 0.
    pub fn var(&self, name: &str) -> Var<'t> {
        self.as_var(name, self.get(name))
    }

    fn as_var(&self, name: &str, value: &Value<'t>) -> Var<'t> {
        match value {
            Value::Tensor(var) => *var,
            Value::Plain(json) => match (json.as_i64(), json.as_bool()) {
                (Some(i), _) => self.tape.full((), i),
                (_, Some(b)) => self.tape.full((), b),
                _ => self.tape.full((), number(name, json)),
            },
            Value::List(_) => panic!("{name} is a list"),
        }
    }

    /// A tensor, or `None` where it is not given.
    pub fn maybe(&self, name: &str) -> Option<Var<'t>> {
        self.given(name).then(|| self.real(name))
    }

    /// A tensor or a number as `f64`: how PyTorch reads integers where it computes with floats.
    pub fn real(&self, name: &str) -> Var<'t> {
        float(self.var(name))
    }

    /// The first argument of most operations, as `f64`.
    pub fn x(&self) -> Var<'t> {
        self.real("input")
    }

    /// Two operands, both as `f64` where either is a float: PyTorch's type promotion.
    pub fn pair(&self, a: &str, b: &str) -> (Var<'t>, Var<'t>) {
        let (x, y) = (self.var(a), self.var(b));
        if x.dtype() == y.dtype() { (x, y) } else { (float(x), float(y)) }
    }

    /// A list of tensors.
    pub fn vars(&self, name: &str) -> Vec<Var<'t>> {
        match self.get(name) {
            Value::List(items) => items.iter().map(|item| self.as_var(name, item)).collect(),
            _ => panic!("{name} is not a list of tensors"),
        }
    }

    /// A number.
    pub fn float(&self, name: &str) -> f64 {
        match self.get(name) {
            Value::Tensor(var) => var.item().unwrap_or_else(|error| panic!("{name}: {error}")),
            _ => number(name, self.json(name)),
        }
    }

    /// A whole number.
    pub fn int(&self, name: &str) -> isize {
        integer(name, self.get(name))
    }

    /// A yes or no.
    pub fn flag(&self, name: &str) -> bool {
        self.json(name).as_bool().unwrap_or_else(|| panic!("{name} is not true or false"))
    }

    /// A word.
    pub fn text(&self, name: &str) -> &str {
        self.json(name).as_str().unwrap_or_else(|| panic!("{name} is not a string"))
    }

    /// Whether an argument is this word.
    pub fn says(&self, name: &str, word: &str) -> bool {
        matches!(self.get(name), Value::Plain(Json::String(text)) if text == word)
    }

    /// A list of whole numbers; a single one is a list of one.
    pub fn ints(&self, name: &str) -> Vec<isize> {
        match self.get(name) {
            Value::List(items) => items.iter().map(|item| integer(name, item)).collect(),
            Value::Tensor(var) => {
                let value = var.value().and_then(|value| value.to_vec::<i64>());
                value.unwrap_or_else(|error| panic!("{name}: {error}")).into_iter().map(|i| i as isize).collect()
            }
            single => vec![integer(name, single)],
        }
    }

    /// A list of lists of whole numbers.
    pub fn lists(&self, name: &str) -> Vec<Vec<isize>> {
        let list = |value: &Value<'t>| match value {
            Value::List(items) => items.iter().map(|item| integer(name, item)).collect(),
            single => vec![integer(name, single)],
        };
        match self.get(name) {
            Value::List(items) => items.iter().map(list).collect(),
            _ => panic!("{name} is not a list of lists"),
        }
    }

    /// A list of sizes, one for each of `n` axes; a single one is meant for all.
    pub fn per_axis(&self, name: &str, n: usize) -> Vec<usize> {
        let sizes = self.ints(name);
        let size = |i: usize| *sizes.get(i).or(sizes.last()).unwrap_or_else(|| panic!("{name} is empty"));
        (0..n).map(|i| usize::try_from(size(i)).unwrap_or_else(|_| panic!("{name} is negative"))).collect()
    }

    /// As [`per_axis`](Self::per_axis), where `None` may stand for a size.
    pub fn sizes_or_none(&self, name: &str, n: usize) -> Vec<Option<usize>> {
        let size = |value: &Value<'t>| match value {
            Value::Plain(Json::Null) => None,
            value => Some(integer(name, value) as usize),
        };
        match self.get(name) {
            Value::List(items) => items.iter().map(size).collect(),
            single => vec![size(single); n],
        }
    }

    /// A list of numbers, one for each of `n` axes; a single one is meant for all.
    pub fn floats(&self, name: &str, n: usize) -> Vec<f64> {
        match self.get(name) {
            Value::List(items) => items.iter().map(|item| self.as_var(name, item).item().unwrap_or(f64::NAN)).collect(),
            _ => vec![self.float(name); n],
        }
    }

    /// The axes of a shape that an argument names: all where it is `None`. A shape of rank 0 has an
    /// axis 0 to name, and none to mean.
    pub fn axes(&self, name: &str, shape: &Shape) -> Vec<usize> {
        match self.given(name) {
            false => (0..shape.rank()).collect(),
            true if shape.rank() == 0 => Vec::new(),
            true => self.ints(name).into_iter().map(|i| axis(i, shape.rank())).collect(),
        }
    }

    /// The axis of a shape that an argument names.
    pub fn axis(&self, name: &str, shape: &Shape) -> usize {
        axis(self.int(name), shape.rank().max(1))
    }
}

/// The axis `i` of `rank` ones, counted from the end where negative.
pub fn axis(i: isize, rank: usize) -> usize {
    let axis = if i < 0 { i + rank as isize } else { i };
    usize::try_from(axis).ok().filter(|&axis| axis < rank).unwrap_or_else(|| panic!("no axis {i} of {rank}"))
}

/// As `f64`.
pub fn float(x: Var<'_>) -> Var<'_> {
    if x.dtype().is_float() { x } else { x.cast(DType::F64) }
}

fn number(name: &str, json: &Json) -> f64 {
    let text = json.as_str().and_then(|text| text.parse().ok());
    let truth = json.as_bool().map(|b| f64::from(u8::from(b)));
    json.as_f64().or(text).or(truth).unwrap_or_else(|| panic!("{name} is not a number but {json}"))
}

fn integer(name: &str, value: &Value<'_>) -> isize {
    match value {
        Value::Plain(json) => {
            json.as_i64().unwrap_or_else(|| panic!("{name} is not a whole number but {json}")) as isize
        }
        Value::Tensor(var) => var.item().unwrap_or_else(|error| panic!("{name}: {error}")) as isize,
        Value::List(items) => match &items[..] {
            [one] => integer(name, one),
            _ => panic!("{name} is a list"),
        },
    }
}

/// The names and defaults in a signature.
fn parameters(signature: &str) -> Vec<(String, Option<Json>)> {
    let (_, rest) = signature.split_once('(').unwrap_or_else(|| panic!("{signature} has no parameters"));
    let inner = rest.trim_end_matches(')');
    let parameter = |text: &str| match text.split_once('=') {
        None => (text.to_string(), None),
        Some((name, default)) => {
            let default = serde_json::from_str(default).unwrap_or_else(|_| panic!("the default in {signature}"));
            (name.to_string(), Some(default))
        }
    };
    // A space comes after the comma between parameters, and not within a default.
    inner.split(", ").map(parameter).collect()
}

fn plain<'t>(json: Json) -> Value<'t> {
    match json {
        Json::Array(items) => Value::List(items.into_iter().map(plain).collect()),
        json => Value::Plain(json),
    }
}
