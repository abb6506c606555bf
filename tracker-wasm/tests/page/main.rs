//! The tracker on a real page, in headless Chromium: what it reads off the page, what becomes of it by the visitor's
//! choice, and how it leaves. `node tracker-wasm/test.mjs` runs them.
#![cfg(target_arch = "wasm32")]

mod chat;
mod choice;
mod clicks;
mod engagement;
mod form_builders;
mod form_story;
mod forms;
mod layer;
mod link;
mod page;
mod pages;
mod plain;
mod road;
mod safety;

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
