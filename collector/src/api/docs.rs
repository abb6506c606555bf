//! `GET /api/docs/`: the API's document, to read and to try out. Swagger UI, of which three files are needed; they are
//! embedded compressed, for most of a browser's visits and of the binary's bytes.

use std::io::Read as _;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, ContentEncoding},
    web,
};

use crate::{error::Problem, ingest::tracker};

const PAGE: &str = include_str!("../../../www/docs/index.html");
const BEGIN: &str = include_str!("../../../www/docs/begin.js");
const BUNDLE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/swagger-ui-bundle.js.br"));
const STYLE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/swagger-ui.css.br"));

/// The page speaks to its own host alone. Swagger UI writes styles into it, and shows pictures that it carries.
const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; \
                      base-uri 'none'; form-action 'none'";

/// `GET /api/docs/…`
pub async fn get(request: HttpRequest, path: web::Path<String>) -> Result<HttpResponse, Problem> {
    let (kind, file) = match path.as_str() {
        "" | "index.html" => ("text/html; charset=utf-8", File::Plain(PAGE)),
        "begin.js" => ("text/javascript; charset=utf-8", File::Plain(BEGIN)),
        "swagger-ui-bundle.js" => ("text/javascript; charset=utf-8", File::Packed(BUNDLE)),
        "swagger-ui.css" => ("text/css; charset=utf-8", File::Packed(STYLE)),
        _ => return Err(Problem::not_found("There is nothing here.")),
    };
    let mut response = HttpResponse::Ok();
    response
        .content_type(kind)
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::CACHE_CONTROL, "no-cache"));
    match file {
        File::Plain(text) => Ok(response.body(text)),
        File::Packed(bytes) if tracker::takes(request.headers(), "br") => {
            let response = response.insert_header((header::VARY, "accept-encoding"));
            Ok(response.insert_header(ContentEncoding::Brotli).body(bytes))
        }
        File::Packed(bytes) => {
            let response = response.insert_header((header::VARY, "accept-encoding"));
            let text = web::block(move || unpacked(bytes)).await.map_err(Problem::internal)?;
            Ok(response.body(text.map_err(Problem::internal)?))
        }
    }
}

enum File {
    Plain(&'static str),
    Packed(&'static [u8]),
}

fn unpacked(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    brotli::Decompressor::new(bytes, 16 * 1024).read_to_end(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_embedded_is_swagger_ui() {
        let script = String::from_utf8(unpacked(BUNDLE).unwrap()).unwrap();
        assert!(script.contains("SwaggerUIBundle") && script.len() > 1_000_000);
        assert!(String::from_utf8(unpacked(STYLE).unwrap()).unwrap().contains(".swagger-ui"));
    }
}
