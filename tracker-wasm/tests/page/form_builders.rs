//! Form builders' own markup, and when they do what: each form is found, its lead told, and its success seen.

use wasm_bindgen_test::wasm_bindgen_test;
use wire::event::Event;

use crate::page::{Tracker, act, clean, fire, of_kind, pause, show, type_into, until};

/// Fills a builder's form in, sends it, and lets the builder do its part; a refusal first, then success.
async fn story(html: &str, phone: &str, refusal: &str, success: &str) -> Event {
    clean();
    show(&format!("<div data-traza-lead=form>{html}</div>"));
    act("find('form').addEventListener('submit', (e) => e.preventDefault())");
    let _tracker = Tracker::start("full");
    pause(20).await;
    type_into(phone, "1");
    act("find('[type=submit]').click()");
    act(refusal);
    pause(30).await;
    assert_eq!(of_kind("form_success").len(), 0, "refused is not received");
    type_into(phone, "600000000");
    act("find('[type=submit]').click()");
    act(success);
    until("success", || {
        fire("pagehide", false);
        of_kind("form_success").len() == 1
    })
    .await;
    assert_eq!(of_kind("form_abandon").len(), 0);
    let sent = of_kind("form_submit").pop().expect("the form");
    let lead = sent.lead.clone().expect("a lead");
    assert_eq!(
        (lead.name.as_deref(), lead.email.as_deref(), lead.phone.as_deref()),
        (Some("Ana"), Some("ana@example.com"), Some("600000000"))
    );
    assert_eq!(of_kind("form_success")[0].submit.as_ref(), Some(&sent.id));
    sent
}

#[wasm_bindgen_test]
async fn contact_form_7() {
    let sent = story(
        r#"<div class="wpcf7 js" id="wpcf7-f6-p7-o1" lang="es-ES" dir="ltr" data-wpcf7-id="6">
            <div class="screen-reader-response"><p role="status" aria-live="polite" aria-atomic="true"></p><ul></ul></div>
            <form action="/contacto/#wpcf7-f6-p7-o1" method="post" class="wpcf7-form init" aria-label="Formulario de contacto" novalidate="novalidate" data-status="init">
            <fieldset class="hidden-fields-container"><input type="hidden" name="_wpcf7" value="6"><input type="hidden" name="_wpcf7_unit_tag" value="wpcf7-f6-p7-o1"></fieldset>
            <p><label> Tu nombre<br><span class="wpcf7-form-control-wrap" data-name="your-name"><input size="40" maxlength="400" class="wpcf7-form-control wpcf7-text wpcf7-validates-as-required" autocomplete="name" aria-required="true" aria-invalid="false" value="Ana" type="text" name="your-name"></span> </label></p>
            <p><label> Tu correo<br><span class="wpcf7-form-control-wrap" data-name="your-email"><input size="40" class="wpcf7-form-control wpcf7-email" autocomplete="email" aria-invalid="false" value="ana@example.com" type="email" name="your-email"></span> </label></p>
            <p><label> Tu teléfono<br><span class="wpcf7-form-control-wrap" data-name="your-tel"><input size="40" class="wpcf7-form-control wpcf7-tel" aria-invalid="false" value="" type="tel" name="your-tel"></span> </label></p>
            <p><input class="wpcf7-form-control wpcf7-submit has-spinner" type="submit" value="Enviar"><span class="wpcf7-spinner"></span></p>
            <div class="wpcf7-response-output" aria-hidden="true"></div></form></div>"#,
        "[name=your-tel]",
        r#"const form = find("form"); form.className = "wpcf7-form submitting"; form.dataset.status = "submitting";
           setTimeout(() => { find("[name=your-tel]").setAttribute("aria-invalid", "true"); form.className = "wpcf7-form invalid"; form.dataset.status = "invalid"; }, 10)"#,
        // The form is emptied as soon as it has arrived.
        r#"const form = find("form"); form.className = "wpcf7-form submitting";
           setTimeout(() => { form.className = "wpcf7-form sent"; form.dataset.status = "sent"; form.reset();
             find(".wpcf7-response-output").textContent = "Gracias"; }, 10)"#,
    )
    .await;
    assert_eq!(sent.form.as_deref(), Some("wpcf7-f6-p7-o1"));
    let refused: Vec<_> = of_kind("form_error").into_iter().filter_map(|event| event.field).collect();
    assert_eq!(refused, ["your-tel"]);
}

#[wasm_bindgen_test]
async fn elementor() {
    let sent = story(
        r#"<div class="elementor-widget-container"><form class="elementor-form" method="post" name="Contacto" aria-label="Contacto">
            <input type="hidden" name="post_id" value="7"><input type="hidden" name="form_id" value="a1b2c3d">
            <div class="elementor-form-fields-wrapper elementor-labels-above">
            <div class="elementor-field-type-text elementor-field-group elementor-column elementor-field-group-name"><label for="form-field-name" class="elementor-field-label">Nombre</label>
            <input size="1" type="text" name="form_fields[name]" id="form-field-name" class="elementor-field elementor-size-sm elementor-field-textual" value="Ana"></div>
            <div class="elementor-field-type-email elementor-field-group"><label for="form-field-email" class="elementor-field-label">Email</label>
            <input size="1" type="email" name="form_fields[email]" id="form-field-email" class="elementor-field" value="ana@example.com"></div>
            <div class="elementor-field-type-tel elementor-field-group"><label for="form-field-field_1" class="elementor-field-label">Teléfono</label>
            <input size="1" type="tel" name="form_fields[field_1]" id="form-field-field_1" class="elementor-field" pattern="[0-9()#&amp;+*-=.]+"></div>
            <div class="elementor-field-group elementor-field-type-submit e-form__buttons"><button class="elementor-button elementor-size-sm" type="submit"><span class="elementor-button-content-wrapper"><span class="elementor-button-text">Enviar</span></span></button></div>
            </div></form></div>"#,
        "#form-field-field_1",
        r#"setTimeout(() => find("form").insertAdjacentHTML("beforeend", '<div class="elementor-message elementor-message-danger" role="alert">Error</div>'), 10)"#,
        r#"const form = find("form"); form.querySelectorAll(".elementor-message").forEach((node) => node.remove()); form.classList.add("elementor-form-waiting");
           setTimeout(() => { form.reset(); form.classList.remove("elementor-form-waiting");
             form.insertAdjacentHTML("beforeend", '<div class="elementor-message elementor-message-success" role="alert">Gracias</div>'); }, 10)"#,
    )
    .await;
    assert_eq!(sent.form.as_deref(), Some("Contacto"));
}

#[wasm_bindgen_test]
async fn gravity_forms() {
    let sent = story(
        r#"<div class="gf_browser_chrome gform_wrapper gravity-theme" data-form-theme="gravity-theme" id="gform_wrapper_1"><div id="gf_1" class="gform_anchor" tabindex="-1"></div>
            <form method="post" enctype="multipart/form-data" target="gform_ajax_frame_1" id="gform_1" action="/contacto/#gf_1" data-formid="1" novalidate>
            <div class="gform-body gform_body"><div id="gform_fields_1" class="gform_fields top_label">
            <fieldset id="field_1_1" class="gfield gfield--type-name"><legend class="gfield_label">Nombre</legend><div class="ginput_complex ginput_container" id="input_1_1"><span class="name_first"><input type="text" name="input_1.3" id="input_1_1_3" value="Ana"><label for="input_1_1_3" class="gform-field-label">Nombre</label></span></div></fieldset>
            <div id="field_1_2" class="gfield gfield--type-email"><label class="gfield_label" for="input_1_2">Correo electrónico</label><div class="ginput_container ginput_container_email"><input name="input_2" id="input_1_2" type="email" value="ana@example.com" class="large"></div></div>
            <div id="field_1_3" class="gfield gfield--type-phone"><label class="gfield_label" for="input_1_3">Teléfono</label><div class="ginput_container ginput_container_phone"><input name="input_3" id="input_1_3" type="tel" value="" class="large" aria-invalid="false"></div></div>
            </div></div><div class="gform-footer gform_footer top_label"><input type="submit" id="gform_submit_button_1" class="gform_button button" value="Enviar"><input type="hidden" name="gform_ajax" value="form_id=1"></div></form></div>"#,
        "#input_1_3",
        // The whole wrapper is put in anew, with its form.
        r#"const old = find('#gform_wrapper_1'); setTimeout(() => { const fresh = old.cloneNode(true); fresh.classList.add("gform_validation_error");
             fresh.querySelector('#input_1_3').setAttribute("aria-invalid", "true"); old.replaceWith(fresh);
             fresh.querySelector("form").addEventListener("submit", (e) => e.preventDefault()); }, 10)"#,
        r#"const old = find('#gform_wrapper_1'); setTimeout(() => {
             const html = '<div id="gform_confirmation_wrapper_1" class="gform_confirmation_wrapper"><div id="gform_confirmation_message_1" class="gform_confirmation_message_1 gform_confirmation_message">Gracias</div></div>';
             old.insertAdjacentHTML("afterend", html); old.remove(); }, 10)"#,
    )
    .await;
    assert_eq!(sent.form.as_deref(), Some("gform_1"));
}

#[wasm_bindgen_test]
async fn wpforms() {
    let sent = story(
        r#"<div class="wpforms-container wpforms-container-full" id="wpforms-12"><form id="wpforms-form-12" class="wpforms-validate wpforms-form wpforms-ajax-form" data-formid="12" method="post" enctype="multipart/form-data" action="/contacto/" data-token="x" novalidate="novalidate">
            <div class="wpforms-field-container"><div id="wpforms-12-field_0-container" class="wpforms-field wpforms-field-name" data-field-id="0"><label class="wpforms-field-label" for="wpforms-12-field_0">Nombre <span class="wpforms-required-label">*</span></label><input type="text" id="wpforms-12-field_0" class="wpforms-field-medium wpforms-field-required" name="wpforms[fields][0]" required value="Ana"></div>
            <div class="wpforms-field wpforms-field-email"><label class="wpforms-field-label" for="wpforms-12-field_1">Correo electrónico</label><input type="email" id="wpforms-12-field_1" name="wpforms[fields][1]" spellcheck="false" value="ana@example.com"></div>
            <div class="wpforms-field wpforms-field-phone"><label class="wpforms-field-label" for="wpforms-12-field_2">Teléfono</label><input type="tel" id="wpforms-12-field_2" class="wpforms-smart-phone-field" name="wpforms[fields][2]"></div></div>
            <div class="wpforms-field wpforms-field-hp" style="position:absolute;left:-999em"><label for="wpforms-12-field-hp" class="wpforms-field-label">Website</label><input type="text" name="wpforms[hp]" id="wpforms-12-field-hp" class="wpforms-field-medium"></div>
            <div class="wpforms-submit-container"><input type="hidden" name="wpforms[id]" value="12"><button type="submit" name="wpforms[submit]" id="wpforms-submit-12" class="wpforms-submit" data-alt-text="Enviando..." value="wpforms-submit">Enviar</button></div></form></div>"#,
        "#wpforms-12-field_2",
        r#"find('#wpforms-12-field_2').insertAdjacentHTML("afterend", '<em id="wpforms-12-field_2-error" class="wpforms-error" role="alert">No</em>')"#,
        r#"setTimeout(() => { find("form").outerHTML = '<div class="wpforms-confirmation-container-full wpforms-confirmation-scroll" id="wpforms-confirmation-12"><p>Gracias</p></div>'; }, 10)"#,
    )
    .await;
    assert_eq!(sent.form.as_deref(), Some("wpforms-form-12"));
}

#[wasm_bindgen_test]
async fn hubspot() {
    let sent = story(
        r#"<div id="hbspt-form-1" class="hbspt-form" data-hs-forms-root="true"><form id="hsForm_00000000-0000-0000-0000-000000000000" method="POST" accept-charset="UTF-8" enctype="multipart/form-data" novalidate="" action="about:blank" class="hs-form-private hsForm_0 hs-form stacked" target="target_iframe_0" data-portal-id="0" data-hs-cf-bound="true">
            <div class="hs_firstname hs-firstname hs-fieldtype-text field hs-form-field"><label id="label-firstname-0" placeholder="Nombre" for="firstname-0"><span>Nombre</span></label><div class="input"><input id="firstname-0" name="firstname" type="text" class="hs-input" inputmode="text" autocomplete="given-name" value="Ana"></div></div>
            <div class="hs_email hs-email field hs-form-field"><label for="email-0"><span>Correo</span><span class="hs-form-required">*</span></label><div class="input"><input id="email-0" name="email" required="" type="email" class="hs-input" autocomplete="email" value="ana@example.com"></div></div>
            <div class="hs_phone hs-phone field hs-form-field"><label for="phone-0"><span>Teléfono</span></label><div class="input"><input id="phone-0" name="phone" type="tel" class="hs-input" autocomplete="tel"></div></div>
            <div class="hs_submit hs-submit"><div class="hs-field-desc" style="display:none"></div><div class="actions"><input type="submit" class="hs-button primary large" value="Enviar"></div></div>
            <input name="hs_context" type="hidden" value="{}"><iframe name="target_iframe_0" style="display:none"></iframe></form></div>"#,
        "#phone-0",
        r#"find('#phone-0').className = "hs-input invalid error";
           find(".hs_phone").insertAdjacentHTML("beforeend", '<ul class="no-list hs-error-msgs inputs-list" role="alert"><li><label class="hs-error-msg">No</label></li></ul>')"#,
        r#"setTimeout(() => { find("form").outerHTML = '<div class="submitted-message hs-main-font-element hs-form-00000000-0000-0000-0000-000000000000"><span>Gracias</span></div>'; }, 10)"#,
    )
    .await;
    assert_eq!(sent.form.as_deref(), Some("hsForm_00000000-0000-0000-0000-000000000000"));
}
