extension SampleImage {
    static let pngs = [
        SampleImage(
            "PNG RGB 8-bit", 6, 5,
            file: """
                iVBORw0KGgoAAAANSUhEUgAAAAYAAAAFCAIAAADpOgqxAAAAaklEQVR4nAFfAKD/AKjluO6rFPWZzCU11cCtBj9g7ALOH5+OnBb4 \
                d/blMvnPVSBGFjgETh/ibmxnUu7Lq8AK/4gc8dg5AZC4GPFJstQ1GipzHe5OD+Hl+AG9tUBLBBi30QtxugET5BveC08Bji2k1dXT \
                vQAAAABJRU5ErkJggg==
                """,
            pixels: """
                qOW47qsU9ZnMJTXVwK0GP2DsdgRXfEcq7RDCCmfOjwImhXYkxCM5MrORzjWNtSeXtIpCpWJ7kLgYgQHKVTbkf6kBbfcQTtwIvbVA \
                CLlYv4pjMERkQyh/ITPO
                """),
        SampleImage(
            "PNG grey 8-bit", 6, 5,
            file: """
                iVBORw0KGgoAAAANSUhEUgAAAAYAAAAFCAAAAABDM8I6AAAALElEQVR4nGM894CnI+4Yo4GK0MebjkxqpuzscRxMLlufaasqMK46 \
                L7P2BysA2vAMPDg5ytkAAAAASUVORK5CYII=
                """,
            pixels: """
                zs7Orq6uurq6QkJCoKCgZmZmMDAwVFRUZmZmV1dXMDAwcXFxVlZWiYmJbW1tXl5ejo6OeXl5mpqaPj4+U1NTiYmJs7OzmZmZqqqq \
                eXl5lZWVQkJCOjo6Pz8/
                """),
        SampleImage(
            "PNG grey 1-bit", 6, 5,
            file: """
                iVBORw0KGgoAAAANSUhEUgAAAAYAAAAFAQAAAABOI6BLAAAAEklEQVR42mM4wfCGYQJDAMMHABI2A4X2aAVnAAAAAElFTkSuQmCC
                """,
            pixels: """
                ////////AAAAAAAA////AAAA////////////AAAA////////////AAAAAAAA////AAAAAAAAAAAA////AAAA////AAAAAAAA//// \
                ////////////AAAAAAAA
                """),
        SampleImage(
            "PNG grey 2-bit", 6, 5,
            file: """
                iVBORw0KGgoAAAANSUhEUgAAAAYAAAAFAgAAAAAJg9qbAAAAF0lEQVR42mN4o8AQM4GhkIEh04DhoAEAIDID9GwANOYAAAAASUVO \
                RK5CYII=
                """,
            pixels: """
                ////qqqq////AAAAAAAAqqqqVVVVVVVV////AAAAqqqqVVVVVVVV////AAAAVVVVAAAAAAAAVVVVqqqqqqqqVVVVAAAA//////// \
                AAAAAAAAVVVVAAAA////
                """),
        SampleImage(
            "PNG grey 4-bit", 6, 5,
            file: """
                iVBORw0KGgoAAAANSUhEUgAAAAYAAAAFBAAAAACGwy87AAAAHUlEQVR42mPo8PjMcCDuIsPd0v8My+w8GBZHWwEAW6cIaNgitXQA \
                AAAASUVORK5CYII=
                """,
            pixels: """
                iIiIiIiIREREiIiI////MzMzzMzMAAAAVVVV7u7u3d3dERER3d3d3d3dd3d3VVVV////////qqqqZmZmMzMz7u7uREREiIiIqqqq \
                MzMzVVVVu7u7MzMzqqqq
                """),
        SampleImage(
            "PNG grey with alpha", 6, 5,
            file: """
                iVBORw0KGgoAAAANSUhEUgAAAAYAAAAFCAQAAADMUVVtAAAATElEQVR4nAFBAL7/Ac7O4OAMDIiIXl7GxgEwMCQkEhLx8dnZQUEC \
                JiY1NQcHBwdeXggIAkREtbXm5isrJSUgIAGqqs/PHBytrfj4BQUskhhw+h/5QQAAAABJRU5ErkJggg==
                """,
            pixels: """
                zs7Orq6uurq6QkJCoKCgZmZmMDAwVFRUZmZmV1dXMDAwcXFxVlZWiYmJbW1tXl5ejo6OeXl5mpqaPj4+U1NTiYmJs7OzmZmZqqqq \
                eXl5lZWVQkJCOjo6Pz8/
                """),
        SampleImage(
            "PNG RGB with alpha", 6, 5,
            file: """
                iVBORw0KGgoAAAANSUhEUgAAAAYAAAAFCAYAAABmWJ3mAAAAiElEQVR4nAF9AIL/AKjluKvuqxTP9ZnMBSU11c/ArQZ5P2DsgwLO \
                H5/2jpwWevh39vblMvk+z1UgzkYWOOAETh/i8m5sZyBS7ssmq8AK/v+IHLrx2DkMAZC4GCfxSbLY1DUaMipzHXbuTg8a4eX4fAG9 \
                tUBJSwQYJrfRC9RxugG2E+QbNN4LT7j3nz1e+8liOQAAAABJRU5ErkJggg==
                """,
            pixels: """
                qOW47qsU9ZnMJTXVwK0GP2DsdgRXfEcq7RDCCmfOjwImhXYkxCM5MrORzjWNtSeXtIpCpWJ7kLgYgQHKVTbkf6kBbfcQTtwIvbVA \
                CLlYv4pjMERkQyh/ITPO
                """),
        SampleImage(
            "PNG RGB with a transparent colour", 6, 5,
            file: """
                iVBORw0KGgoAAAANSUhEUgAAAAYAAAAFCAIAAADpOgqxAAAABnRSTlMAqADlALhEYvozAAAAaklEQVR4nAFfAKD/AKjluO6rFPWZ \
                zCU11cCtBj9g7ALOH5+OnBb4d/blMvnPVSBGFjgETh/ibmxnUu7Lq8AK/4gc8dg5AZC4GPFJstQ1GipzHe5OD+Hl+AG9tUBLBBi3 \
                0QtxugET5BveC08Bji2k1dXTvQAAAABJRU5ErkJggg==
                """,
            pixels: """
                qOW47qsU9ZnMJTXVwK0GP2DsdgRXfEcq7RDCCmfOjwImhXYkxCM5MrORzjWNtSeXtIpCpWJ7kLgYgQHKVTbkf6kBbfcQTtwIvbVA \
                CLlYv4pjMERkQyh/ITPO
                """),
        SampleImage(
            "PNG palette 8-bit", 6, 5,
            file: """
                iVBORw0KGgoAAAANSUhEUgAAAAYAAAAFCAMAAABRhm3UAAAAPFBMVEWcz2i9tUDXrA1e6gwIuVgys5Hakpi0ikKlYnuCkBMKZ87J \
                LGPtEMKZN2F8A5GPAiY4UqhVNuQlNdUyLqfnkBw/AAAAKklEQVR4nAXBAQIAEAgEsFNIQsr//2oDqCcFfK/pCmtmMqAnlBmlyn35 \
                ARNFASUbCmQeAAAAAElFTkSuQmCC
                """,
            pixels: """
                nM9o16wN2pKYJTXV16wNVTbkjwImmTdh7RDCCmfOjwImgpATySxjMrORySxjySxjtIpCpWJ7gpATfAORVTbkgpATXuoMXuoMvbVA \
                CLlYtIpCOFKoMi6nJTXV
                """),
        SampleImage(
            "PNG palette 4-bit", 6, 5,
            file: """
                iVBORw0KGgoAAAANSUhEUgAAAAYAAAAFBAMAAACUdoDVAAAAG1BMVEWnxlvXrA090EDDhHtaglG9K3WCAm06RMIyLqeMDZDUAAAA \
                HElEQVR4nGNgNBdnTPnMy/Tu33mmLTLvGZnM/AFABAa75XKOjAAAAABJRU5ErkJggg==
                """,
            pixels: """
                p8Zb16wNw4R7OkTC16wNOkTCggJtWoJRvSt1OkTCggJtWoJRvSt1PdBAvSt1vSt1w4R7w4R7p8ZbggJtOkTC16wNPdBAPdBAp8Zb \
                PdBAw4R7Mi6nMi6nOkTC
                """),
        SampleImage(
            "PNG palette 2-bit", 6, 5,
            file: """
                iVBORw0KGgoAAAANSUhEUgAAAAYAAAAFAgMAAAAbNnV1AAAADFBMVEWDxT6Wg2mnHHI4PLl1aP25AAAAF0lEQVR4nGN0f8kS8pXl \
                /TEGGwYG9g8ALGMFa0st4sUAAAAASUVORK5CYII=
                """,
            pixels: """
                loNpg8U+loNpODy5g8U+ODy5pxxyloNppxxyODy5pxxyloNppxxyg8U+pxxypxxyloNploNpg8U+ODy5ODy5g8U+g8U+g8U+g8U+ \
                g8U+loNpODy5ODy5ODy5
                """),
        SampleImage(
            "PNG palette 1-bit", 6, 5,
            file: """
                iVBORw0KGgoAAAANSUhEUgAAAAYAAAAFAQMAAABclg+lAAAABlBMVEWLqFF3KpAsLMD9AAAAEklEQVR4nGMQYdjB9IdpDYMMAAzm \
                ApWbXkfjAAAAAElFTkSuQmCC
                """,
            pixels: """
                i6hRi6hRi6hRdyqQi6hRdyqQdyqQi6hRdyqQdyqQdyqQi6hRdyqQi6hRdyqQdyqQi6hRdyqQi6hRdyqQdyqQi6hRi6hRi6hRi6hR \
                i6hRi6hRdyqQdyqQdyqQ
                """),
        SampleImage(
            "PNG palette with transparency", 6, 5,
            file: """
                iVBORw0KGgoAAAANSUhEUgAAAAYAAAAFBAMAAACUdoDVAAAAG1BMVEWnxlvXrA090EDDhHtaglG9K3WCAm06RMIyLqeMDZDUAAAA \
                A3RSTlP//wDXyg1BAAAAHElEQVR4nGNgNBdnTPnMy/Tu33mmLTLvGZnM/AFABAa75XKOjAAAAABJRU5ErkJggg==
                """,
            pixels: """
                p8Zb16wNw4R7OkTC16wNOkTCggJtWoJRvSt1OkTCggJtWoJRvSt1PdBAvSt1vSt1w4R7w4R7p8ZbggJtOkTC16wNPdBAPdBAp8Zb \
                PdBAw4R7Mi6nMi6nOkTC
                """),
        SampleImage(
            "PNG grey 16-bit (high byte)", 6, 5,
            file: """
                iVBORw0KGgoAAAANSUhEUgAAAAYAAAAFEAAAAAATox55AAAATElEQVR42gFBAL7/APHQ98enntc4VGgxYQDYtxuVrXNgQFw68QUA \
                pT275yZ/Wg2djVKcANSssT0wtpJe/vuAtwD7H3DZvoCkn3l8WNoiyyDUU6iVEgAAAABJRU5ErkJggg==
                """,
            pixels: """
                8fHx9/f3p6en19fXVFRUMTEx2NjYGxsbra2tYGBgXFxc8fHxpaWlu7u7JiYmWlpanZ2dUlJS1NTUsbGxMDAwkpKS/v7+gICA+/v7 \
                cHBwvr6+pKSkeXl5WFhY
                """),
        SampleImage(
            "PNG RGB 16-bit", 6, 5,
            file: """
                iVBORw0KGgoAAAANSUhEUgAAAAYAAAAFEAIAAAC5qtbyAAAAxElEQVR42gG5AEb/APHQryilbPfHOM1bGKeeG2opitc4oqju+VRo \
                zGwKhDFhY/UoKgDYt2FmB4IblZzNK8utc/3ene9gQM8QHOpcOrZ/fEnxBWa2bIgApT16v5oku+dROWziJn8APMq+Wg2hpZBknY3s \
                dpQmUpz9JZYEANSs0sAC/7E9Z7RXUDC226jVAZJeI8lSjP77QhWMZIC3jZ60XAD7H91HxJhw2XJ2Txq+gACzwxakn1d4PHx5fOPF \
                MKBY2nRrAwxSdVr787gbiAAAAABJRU5ErkJggg==
                """,
            pixels: """
                8a+l9zhbpxsp16LuVMwKMWMo2GEHG5wrrf2dYM8cXLZ88WZspXqau1FsJgDKWqGQneyUUv2W1NICsWdXMNvVkiNS/kKMgI20+93E \
                cHJPvgDDpFc8eeMwWHQD
                """),
        SampleImage(
            "PNG RGB 16-bit with alpha", 6, 5,
            file: """
                iVBORw0KGgoAAAANSUhEUgAAAAYAAAAFEAYAAAA2yEGlAAABAElEQVR42gH1AAr/APHQryilbHa998c4zVsYpBSnnhtqKYqxNdc4 \
                oqju+WBjVGjMbAqEMasxYWP1KCrMRQDYt2FmB4K2mBuVnM0ry/DlrXP93p3vuUJgQM8QHOonIlw6tn98Sdj98QVmtmyIjaEApT16 \
                v5ok9WG751E5bOJm7yZ/ADzKvmuRWg2hpZBk71mdjex2lCZTzVKc/SWWBDALANSs0sAC/yhCsT1ntFdQEs8wttuo1QHULJJeI8lS \
                jIbw/vtCFYxkfeWAt42etFwbMwD7H91HxJhHWHDZcnZPGg6ovoAAs8MWMfWkn1d4PHztmHl848UwoHsCWNp0awMMqsD+8XmIufBn \
                +QAAAABJRU5ErkJggg==
                """,
            pixels: """
                8a+l9zhbpxsp16LuVMwKMWMo2GEHG5wrrf2dYM8cXLZ88WZspXqau1FsJgDKWqGQneyUUv2W1NICsWdXMNvVkiNS/kKMgI20+93E \
                cHJPvgDDpFc8eeMwWHQD
                """),
        SampleImage(
            "PNG RGB interlaced", 6, 5,
            file: """
                iVBORw0KGgoAAAANSUhEUgAAAAYAAAAFCAIAAAGePTonAAAAcElEQVR42gFlAJr/AKjluADArQYAvbVAQyh/APWZzAC/imMAxCM5 \
                zjWNtIpCAO6rFCU11T9g7AAys5G1J5elYnsACLlYMERkITPOAHYEV3xHKu0Qwgpnzo8CJoV2JACQuBiBAcpVNuR/qQFt9xBO3Ahe \
                zSjs1LUtMQAAAABJRU5ErkJggg==
                """,
            pixels: """
                qOW47qsU9ZnMJTXVwK0GP2DsdgRXfEcq7RDCCmfOjwImhXYkxCM5MrORzjWNtSeXtIpCpWJ7kLgYgQHKVTbkf6kBbfcQTtwIvbVA \
                CLlYv4pjMERkQyh/ITPO
                """),
    ]
}
