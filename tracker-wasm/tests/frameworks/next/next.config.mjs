// Built into plain files, which the test serves under the path of its own pages.
export default { output: "export", basePath: "/r/app" };
