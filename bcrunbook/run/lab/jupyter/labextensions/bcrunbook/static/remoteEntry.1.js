// What JupyterLab loads of a prebuilt extension, written by hand: a container that it asks for the
// plugin. Browsers keep this file for long. All else comes from the program's own address, which
// they ask each time; so what is here must not have to change, or must get another number.
{
  const config = JSON.parse(document.getElementById("jupyter-config-data").textContent);
  const main = import(`${config.baseUrl}bcrunbook/static/main.js`);
  let shared = {};
  (window._JUPYTERLAB ??= {}).bcrunbook = {
    init(scope) {
      shared = scope;
    },
    async get() {
      const plugin = await (await main).plugin(shared);
      return () => ({ __esModule: true, default: plugin });
    },
  };
}
