//! Reads the reference values that `write.py` made with PyTorch.

use wengert_nn::IndexMap;
use wengert_tensor::Tensor;

/// What PyTorch's result may differ by, relative and absolute: 13 digits are kept of it.
const TOLERANCE: (f64, f64) = (1e-10, 1e-12);

/// The tensors of one case by name.
pub struct Case {
    name: &'static str,
    tensors: IndexMap<&'static str, Tensor>,
}

impl Case {
    /// The case of that name in a file.
    pub fn of(file: &'static str, name: &'static str) -> Self {
        let mut lines = file.lines().skip_while(|line| line.strip_prefix("case ") != Some(name));
        assert!(lines.next().is_some(), "there is no case {name}");
        let tensors = lines.take_while(|line| !line.starts_with("case ")).map(tensor).collect();
        Self { name, tensors }
    }

    pub fn get(&self, name: &str) -> &Tensor {
        self.tensors.get(name).unwrap_or_else(|| panic!("{}: there is no {name}", self.name))
    }

    /// Those whose names begin so, by the rest of the name.
    pub fn all(&self, prefix: &str) -> IndexMap<String, Tensor> {
        let named =
            |(name, tensor): (&&'static str, &Tensor)| Some((name.strip_prefix(prefix)?.to_string(), tensor.clone()));
        self.tensors.iter().filter_map(named).collect()
    }

    #[track_caller]
    pub fn assert(&self, name: &str, found: &Tensor) {
        let expected = self.get(name);
        let (rtol, atol) = TOLERANCE;
        let close = found.shape() == expected.shape() && found.allclose(expected, rtol, atol).unwrap_or(false);
        assert!(close, "{}: {name} is\n{found}, not\n{expected}", self.name);
    }
}

fn tensor(line: &'static str) -> (&'static str, Tensor) {
    let mut words = line.split(' ');
    let [name, dtype, sizes] = [(); 3].map(|()| words.next().expect("name, dtype and sizes"));
    let sizes: Vec<usize> = match sizes {
        "-" => Vec::new(),
        _ => sizes.split('x').map(|size| size.parse().expect("a size")).collect(),
    };
    let tensor = match dtype {
        "i64" => Tensor::from_vec(words.map(|n| n.parse::<i64>().expect("an integer")).collect(), sizes),
        _ => Tensor::from_vec(words.map(|x| x.parse::<f64>().expect("a number")).collect(), sizes),
    };
    (name, tensor.expect("as many numbers as the sizes say"))
}
