//! Every code block of the book, as a doctest: `cargo test -p wengert-book --doc` compiles and runs them.

/// One module a chapter, so that a failing block is listed under its chapter.
macro_rules! chapters {
    ($($name:ident),* $(,)?) => {$(
        #[cfg(doctest)]
        #[doc = include_str!(concat!("src/", stringify!($name), ".md"))]
        mod $name {}
    )*};
}

chapters! {
    introduction,
    start,
    tensors,
    tape,
    derivatives,
    control,
    models,
    training,
    runs,
    precision,
    custom_ops,
    performance,
    from_pytorch,
    from_jax,
}
