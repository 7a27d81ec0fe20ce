/** Version of the SDK, told at hello. */
export const SDK_VERSION = '0.1.0';
