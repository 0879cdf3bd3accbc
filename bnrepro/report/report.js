// The sliders of a notebook's widget: each choice is a picture that was drawn beforehand and lies packed in the page.
for (const figure of document.querySelectorAll("figure.turned")) {
  const [form, image, packed] = ["form", "img", "script"].map(name => figure.querySelector(name));
  const sliders = [...form.querySelectorAll("input")];
  let unpacked;

  const unpack = async () => {
    const bytes = Uint8Array.from(atob(packed.textContent), letter => letter.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).json();
  };
  const show = async () => {
    const { lines, own } = await (unpacked ??= unpack());
    const choice = sliders.reduce((sum, slider) => sum * (Number(slider.max) + 1) + Number(slider.value), 0);
    image.src = "data:image/svg+xml," + encodeURIComponent(own[choice].map(line => lines[line]).join("\n"));
  };
  const tell = slider => {
    slider.nextElementSibling.value = JSON.parse(slider.dataset.values)[slider.value];
    slider.ariaValueText = slider.nextElementSibling.value;
  };

  form.hidden = !("DecompressionStream" in window);
  form.addEventListener("input", event => { tell(event.target); show(); });
}
