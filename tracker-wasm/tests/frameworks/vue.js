// The same page as Vue draws it.
import { createApp, h, onMounted, onUnmounted, ref, watchEffect } from "vue";

const HOME = location.pathname;

const Contact = {
  setup() {
    const phone = ref("");
    const sent = ref(false);
    const send = async (event) => {
      event.preventDefault();
      await new Promise((go) => setTimeout(go, 50));
      sent.value = true;
    };
    return () =>
      sent.value
        ? h("p", { class: "gracias" }, "Gracias")
        : h("form", { id: "contacto", onSubmit: send }, [
            h("input", { name: "telefono", type: "tel", value: phone.value, onInput: (event) => (phone.value = event.target.value) }),
            h("button", "Llamadme"),
          ]);
  },
};

const App = {
  setup() {
    const path = ref(HOME);
    watchEffect(() => {
      document.title = path.value == HOME ? "Inicio" : "Contacto";
    });
    const back = () => (path.value = location.pathname);
    onMounted(() => addEventListener("popstate", back));
    onUnmounted(() => removeEventListener("popstate", back));
    const go = (event) => {
      event.preventDefault();
      history.pushState({}, "", HOME + "/contacto");
      path.value = location.pathname;
    };
    return () =>
      h("main", { key: path.value }, path.value == HOME ? h("a", { id: "go", href: HOME + "/contacto", onClick: go }, "Contacto") : h(Contact));
  },
};

createApp(App).mount("#app");
