// Nobody else is asked whether the document is valid.
window.SwaggerUIBundle({ url: "/api/openapi.json", dom_id: "#docs", deepLinking: true, validatorUrl: "none" });
