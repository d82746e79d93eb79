//! Tables: numbers and classes of real and of wrong files.
#![cfg(feature = "csv")]

use proptest::prelude::*;
use wengert_data::{Csv, Table};
use wengert_tensor::{DType, Tensor};

fn table(text: &str) -> Table {
    Csv::new().read_from(text.as_bytes(), "t.csv").unwrap()
}

fn bundled(name: &str) -> Table {
    Csv::new().read(format!("{}/../../examples/data/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn bundled_tables_are_whole() {
    let iris = bundled("iris.csv");
    let (species, names) = iris.labels("species").unwrap();
    assert_eq!(names, ["setosa", "versicolor", "virginica"]);
    assert_eq!(species.sum().unwrap(), Tensor::from(150i64));
    let measures: Vec<&str> = iris.names().take(4).collect();
    let means = iris.numbers(&measures, DType::F64).unwrap().mean_axes(0).unwrap();
    assert!(means.allclose(&Tensor::from([5.843_333, 3.057_333, 3.758, 1.199_333]), 1e-6, 0.0).unwrap());

    let digits = bundled("digits.csv.gz");
    let pixels: Vec<&str> = digits.names().take(64).collect();
    let x = digits.numbers(&pixels, DType::I64).unwrap();
    assert_eq!((&x.shape()[..], x.max().unwrap()), (&[1797, 64][..], Tensor::from(16i64)));
    let (y, names) = digits.labels("digit").unwrap();
    assert_eq!((names.len(), y.get::<i64>(&[9]).unwrap(), names[9].as_str()), (10, 9, "9"));

    let diabetes = bundled("diabetes.csv");
    let target = diabetes.numbers(["target"], DType::F64).unwrap();
    assert!(target.mean().unwrap().allclose(&Tensor::from(152.133_484), 1e-8, 0.0).unwrap());
    assert_eq!(diabetes.rows(), 442);

    let cancer = bundled("breast_cancer.csv.gz");
    let (diagnosis, names) = cancer.labels("diagnosis").unwrap();
    assert_eq!((cancer.rows(), names), (569, vec!["benign".to_string(), "malignant".to_string()]));
    assert_eq!(diagnosis.sum().unwrap(), Tensor::from(212i64));
}

#[test]
fn mistakes_name_the_line_and_the_column() {
    let t = table("a,b,c,a\n1,2.5,x,0\n\n-3,,y,0\n4,0.25,\"two\nlines\",0\n5,oops,,0\n");
    let error = |result: wengert_tensor::Result<Tensor>| result.unwrap_err().to_string();
    assert_eq!(error(t.numbers(["b"], DType::F64)), "t.csv: line 4, column `b`: a number is missing");
    assert_eq!(error(t.numbers_or(["b"], DType::F64, 0.0)), "t.csv: line 7, column `b`: `oops` is no number");
    assert_eq!(error(t.labels("c").map(|l| l.0)), "t.csv: line 7, column `c`: a category is missing");
    assert_eq!(error(t.labels_in("c", &["x", "y"])), "t.csv: line 5, column `c`: `two\nlines` is none of 2 classes");
    assert_eq!(error(t.numbers(["d"], DType::F64)), "t.csv: no column `d`; it has [\"a\", \"b\", \"c\", \"a\"]");
    assert_eq!(error(t.numbers(["a"], DType::F64)), "t.csv: column `a` occurs twice");
    assert_eq!(error(t.numbers(["b"], DType::I64)), "t.csv: line 2, column `b`: 2.5 is no integer of 64 bits");
    assert!(error(t.numbers(["b"], DType::Bool)).contains("expected f32, f64 or i64"));
    let breaks = Csv::new().comment(b'#').read_from(&b"a\r\n1\r\n# no\r\n\r\nx\r\n"[..], "t.csv").unwrap();
    assert_eq!(error(breaks.numbers(["a"], DType::F64)), "t.csv: line 5, column `a`: `x` is no number");
    let uneven = Csv::new().read_from(&b"a,b\n1,2\n3\n"[..], "t.csv").unwrap_err().to_string();
    assert!(uneven.starts_with("t.csv: ") && uneven.contains("line: 3"), "{uneven}");
    let latin = Csv::new().read_from(&b"a,b\n1,\xe4\n"[..], "t.csv").unwrap_err().to_string();
    assert!(latin.contains("line 2") && latin.contains("UTF-8"), "{latin}");
}

#[test]
fn fields_are_what_they_are_asked_for_as() {
    let t = table("n, size ,kind\n10, 1e3 ,b\n9,NA,a\n 2.0,-0.5,b\n");
    assert_eq!(t.numbers(["n"], DType::I64).unwrap(), Tensor::from([[10], [9], [2]]));
    let x = t.numbers_or(["size", "n"], DType::F32, -1.0).unwrap();
    assert_eq!(x, Tensor::from([[1000f32, 10.0], [-1.0, 9.0], [-0.5, 2.0]]));
    let (rows, names) = t.one_hot("kind", DType::F64).unwrap();
    assert_eq!((rows, names), (Tensor::from([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]), vec!["a".into(), "b".into()]));
    assert_eq!(t.text("size").unwrap(), [Some("1e3".to_string()), None, Some("-0.5".into())]);
    assert_eq!(table("k\n10\n9\n10\n").labels("k").unwrap().1, ["9", "10"]);
    let none = table("a,b\n");
    assert_eq!(&none.numbers(["a", "b"], DType::F32).unwrap().shape()[..], [0, 2]);
    assert_eq!(Csv::new().read_from(&b""[..], "t.csv").unwrap().rows(), 0);
    let tabs = Csv::new().delimiter(b'\t').no_header().comment(b'#');
    let t = tabs.read_from(&b"# made up\n1\t2\n3\t4\n"[..], "t.tsv").unwrap();
    assert_eq!(t.numbers(["1", "0"], DType::I64).unwrap(), Tensor::from([[2, 1], [4, 3]]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_bytes_are_a_table_or_an_error(bytes in prop::collection::vec(prop::sample::select(b"ab,1.\"\n\r\xff\x1f\x8b#;- ".to_vec()), 0..60)) {
        if let Ok(t) = Csv::new().read_from(&bytes[..], "hostile") {
            let names: Vec<String> = t.names().map(String::from).collect();
            for name in &names {
                let _ = (t.numbers([name], DType::I64), t.labels(name), t.text(name));
            }
        }
    }
}

#[cfg(feature = "parquet")]
mod arrow {
    use std::sync::Arc;

    use arrow_array::{
        ArrayRef, BooleanArray, DictionaryArray, Float32Array, Int32Array, ListArray, RecordBatch, StringArray, types,
    };

    use super::*;

    fn batch() -> RecordBatch {
        let list = ListArray::from_iter_primitive::<types::Int32Type, _, _>([Some([Some(1)]), None, Some([Some(2)])]);
        let kind: DictionaryArray<types::Int8Type> = ["b", "a", "b"].into_iter().collect();
        let columns: [(&str, ArrayRef); 6] = [
            ("n", Arc::new(Int32Array::from(vec![3, -1, 4]))),
            ("x", Arc::new(Float32Array::from(vec![Some(0.5), None, Some(2.0)]))),
            ("flag", Arc::new(BooleanArray::from(vec![true, false, true]))),
            ("name", Arc::new(StringArray::from(vec!["u", "v", "w"]))),
            ("kind", Arc::new(kind)),
            ("list", Arc::new(list)),
        ];
        RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap()
    }

    fn files() -> [Vec<u8>; 2] {
        let (batch, mut parquet, mut arrow) = (batch(), Vec::new(), Vec::new());
        let mut writer = ::parquet::arrow::ArrowWriter::try_new(&mut parquet, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        let mut writer = arrow_ipc::writer::FileWriter::try_new(&mut arrow, &batch.schema()).unwrap();
        writer.write(&batch).unwrap();
        writer.finish().unwrap();
        drop(writer);
        [parquet, arrow]
    }

    fn read(files: [&[u8]; 2]) -> [wengert_tensor::Result<Table>; 2] {
        let folder = tempfile::Builder::new().prefix("hostile").tempdir().unwrap();
        let paths = ["t.parquet", "t.arrow"].map(|name| folder.path().join(name));
        paths.iter().zip(files).for_each(|(path, bytes)| std::fs::write(path, bytes).unwrap());
        [Table::parquet(&paths[0]), Table::arrow(&paths[1])]
    }

    #[test]
    fn parquet_and_arrow_hold_the_same_table() {
        let [parquet, arrow] = files();
        for t in read([&parquet, &arrow]) {
            let t = t.unwrap();
            assert_eq!(t.rows(), 3);
            assert_eq!(t.numbers(["n", "flag"], DType::I64).unwrap(), Tensor::from([[3, 1], [-1, 0], [4, 1]]));
            assert_eq!(t.numbers_or(["x"], DType::F64, -1.0).unwrap(), Tensor::from([[0.5], [-1.0], [2.0]]));
            let error = t.numbers(["x"], DType::F32).unwrap_err().to_string();
            assert!(error.ends_with(": row 1, column `x`: a number is missing"), "{error}");
            assert_eq!(t.labels("kind").unwrap(), (Tensor::from([1, 0, 1]), vec!["a".into(), "b".into()]));
            assert_eq!(t.text("name").unwrap()[2].as_deref(), Some("w"));
            assert!(t.text("list").unwrap_err().to_string().contains("neither text nor numbers"));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        #[test]
        fn damaged_files_are_errors(flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4), cut in 0usize..9) {
            let damaged = files().map(|mut file| {
                flips.iter().for_each(|(i, byte)| { let i = i.index(file.len()); file[i] = *byte; });
                file.truncate(file.len() - cut / 3 * 7);
                file
            });
            for table in read([&damaged[0], &damaged[1]]) {
                if let Err(e) = table {
                    prop_assert!(e.to_string().contains("hostile"), "{}", e);
                }
            }
        }
    }
}
