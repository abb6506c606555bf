//! Finds the built tracker, which is embedded in the binary.

use std::{borrow::Cow, env, error::Error, fs, io::Cursor, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-env-changed=TRAZA_TRACKER_DIR");
    let manifest = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let folder = match env::var_os("TRAZA_TRACKER_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => manifest.join("../target/tracker"),
    };
    let core = ["core.wasm", "core.wasm.br", "core.wasm.gz"];
    let numbers = ["numbers.mjs", "numbers.mjs.br", "numbers.mjs.gz"];
    for file in ["t.js", "guard.js", "debug.mjs", "tracker.json"].into_iter().chain(core).chain(numbers) {
        let path = folder.join(file);
        println!("cargo::rerun-if-changed={}", path.display());
        if !path.exists() {
            println!("cargo::error={}: the tracker is not built; run `just tracker` first", path.display());
            return Ok(());
        }
    }
    let description: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(folder.join("tracker.json"))?)?;
    let hash = |file: &str| description[file].as_str().ok_or(format!("tracker.json names no {file}"));
    println!("cargo::rustc-env=TRAZA_TRACKER={}", folder.canonicalize()?.display());
    println!("cargo::rustc-env=TRAZA_CORE_HASH={}", hash("wasm")?);
    println!("cargo::rustc-env=TRAZA_NUMBERS_HASH={}", hash("numbers")?);
    docs()
}

/// Takes out of Swagger UI what is embedded, compressed as it is served.
fn docs() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let mut archive = zip::ZipArchive::new(Cursor::new(utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED))?;
    for file in ["swagger-ui-bundle.js", "swagger-ui.css"] {
        let path = format!("/dist/{file}");
        let names = archive.file_names().collect::<Result<Vec<_>, _>>()?;
        let name = names.into_iter().find(|name| name.ends_with(&path)).map(Cow::into_owned);
        let name = name.ok_or_else(|| format!("Swagger UI has no {file}"))?;
        let mut text = archive.by_name(&name)?;
        let mut packed = fs::File::create(out.join(format!("{file}.br")))?;
        let params = brotli::enc::BrotliEncoderParams { quality: 9, ..Default::default() };
        brotli::BrotliCompress(&mut text, &mut packed, &params)?;
    }
    Ok(())
}
