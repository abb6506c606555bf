//! Loaders, ready to be served: written and compressed once for each public configuration of a site.

use std::{
    collections::HashMap,
    io::Write as _,
    sync::{Arc, Mutex, PoisonError},
};

use actix_web::web::{self, Bytes};
use sha2::{Digest, Sha256};

use crate::error::Problem;

/// Something to serve in three encodings.
pub struct Encoded {
    /// As it is.
    pub plain: Bytes,
    /// gzip, level 9.
    pub gzip: Bytes,
    /// brotli, quality 11.
    pub brotli: Bytes,
    /// Changes with the content.
    pub etag: String,
}

impl Encoded {
    /// Compresses as well as can be. Slow: once per change of configuration.
    fn new(plain: String) -> std::io::Result<Self> {
        let plain = plain.into_bytes();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        gzip.write_all(&plain)?;
        let params = brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 22, ..Default::default() };
        let mut compressed = Vec::new();
        brotli::BrotliCompress(&mut plain.as_slice(), &mut compressed, &params)?;
        let digest = Sha256::digest(&plain);
        let etag = format!("\"{}\"", uuid::Uuid::from_slice(&digest[..16]).unwrap_or_default().simple());
        Ok(Self { gzip: gzip.finish()?.into(), brotli: compressed.into(), plain: plain.into(), etag })
    }
}

/// Loaders by site, each for the public configuration that it was written with.
#[derive(Default)]
pub struct Loaders {
    ready: Mutex<HashMap<String, (String, Arc<Encoded>)>>,
}

impl Loaders {
    /// The loader of a site with its public configuration as it is now; `text` writes it where it is not ready.
    ///
    /// # Errors
    /// Where the compressor fails.
    pub async fn of(
        &self,
        slug: &str,
        config: String,
        text: impl FnOnce(&str) -> String,
    ) -> Result<Arc<Encoded>, Problem> {
        let known = {
            let ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
            ready.get(slug).filter(|(of, _)| *of == config).map(|(_, loader)| Arc::clone(loader))
        };
        if let Some(loader) = known {
            return Ok(loader);
        }
        let text = text(&config);
        let encoded = web::block(move || Encoded::new(text)).await;
        let loader = Arc::new(encoded.map_err(Problem::internal)?.map_err(Problem::internal)?);
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        ready.insert(slug.to_owned(), (config, Arc::clone(&loader)));
        Ok(loader)
    }
}
