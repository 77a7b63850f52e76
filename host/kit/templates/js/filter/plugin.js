// {{name}}: turns light to dark.
let turned;

export const filter = {
  describe: () => ({
    about: {
      name: '{{name}}', version: '0.1.0', summary: 'turns light to dark', more: [],
      parameters: [{
        name: 'strength', summary: 'how much is turned', kind: 'integer', unit: '%',
        defaultValue: { tag: 'integer', val: 100 }, required: false,
        minimum: 0, maximum: 100, choices: [], more: [],
      }],
    },
    formats: ['yuv420p', 'yuv422p', 'yuv444p', 'gray8'],
    concurrency: 'parallel',
  }),

  configure(input, parameters) {
    const s = Number(parameters.find((p) => p.name === 'strength').value.val);
    turned = Uint8Array.from({ length: 256 }, (_, v) => (v * (100 - s) + (255 - v) * s) / 100);
    return input;
  },

  process(frame) {
    const light = frame.plane(0);
    for (let i = 0; i < light.length; i++) light[i] = turned[light[i]];
    frame.setPlane(0, light);
    return [frame];
  },

  flush: () => [],
};
